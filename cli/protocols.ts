/** The transfer protocols of this program. */

import { fileProtocol } from "../protocols/file/protocol.ts";
import { httpProtocol } from "../protocols/http/http.ts";
import type { TransferProtocol } from "../protocols/contract.ts";
import type { SftpMachine } from "../protocols/sftp/carrier.ts";
import { sftpProtocol } from "../protocols/sftp/protocol.ts";
import { type ProtocolRegistry, protocolRegistry } from "../protocols/registry.ts";
import { limited } from "../protocols/wrappers/limit.ts";
import { traced } from "../protocols/wrappers/trace.ts";
import type { Env } from "../runtime/env/env.ts";
import type { Process } from "./process.ts";

/** What a machine without SSH of its own has: every host's key must be pinned. */
const NO_SSH: SftpMachine = { knownHosts: null, agentSocket: null };

/** All of them, by the schemes of their URIs. */
export function installedProtocols(ssh: SftpMachine = NO_SSH): ProtocolRegistry {
  return protocolRegistry([fileProtocol(), httpProtocol(), sftpProtocol(ssh)]);
}

/** What SSH finds in the environment of whoever types a command. */
export function sshOf(process: Pick<Process, "env">): SftpMachine {
  const home = process.env("HOME");
  return {
    knownHosts: home === undefined ? null : `${home}/.ssh/known_hosts`,
    agentSocket: process.env("SSH_AUTH_SOCK") ?? null,
  };
}

/** The schemes of their URIs, which is also what `protocol:` may say in a workflow file. */
export function installedSchemes(): string[] {
  return installedProtocols().protocols.flatMap((protocol) => [...protocol.schemes]);
}

/** The kinds of credentials that each scheme takes; `header` is no protocol's own, http sends it. */
export function installedCredentials(): Record<string, readonly string[]> {
  const offered: Record<string, readonly string[]> = {};
  for (const { schemes, credentials = [] } of installedProtocols().protocols) {
    for (const scheme of schemes) {
      offered[scheme] = /^https?$/.test(scheme) ? [...credentials, "header"] : credentials;
    }
  }
  return offered;
}

/** What `--max-rate` and `--trace` ask for. */
export interface ProtocolOptions {
  /** Bytes per second from the sources of each protocol; `null` is no bound. */
  readonly maxRate: number | null;
  /** Logs every call: what, on which place, how long, how many bytes. */
  readonly trace: boolean;
  /** What SSH has on this machine; nothing if left out. */
  readonly ssh?: SftpMachine;
}

/** The installed protocols as a run uses them. */
export function protocolsFor(env: Env, options: ProtocolOptions): ProtocolRegistry {
  const { maxRate, trace } = options;
  const bounded = (protocol: TransferProtocol): TransferProtocol => {
    if (maxRate === null) return protocol;
    const slow = limited(protocol, { bytesPerSecond: maxRate, maxConcurrent: null }, env);
    // Sinks are left alone: what was read slowly is written slowly.
    return slow.source === undefined ? protocol : { ...protocol, source: slow.source };
  };
  const told = (protocol: TransferProtocol): TransferProtocol =>
    trace ? traced(protocol, env, (call) => env.log.write("info", "call", { ...call })) : protocol;
  const { protocols } = installedProtocols(options.ssh);
  return protocolRegistry(protocols.map((protocol) => told(bounded(protocol))));
}
