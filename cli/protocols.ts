/** The transfer protocols of this program. */

import { azureProtocol } from "../protocols/azure/protocol.ts";
import { fileProtocol } from "../protocols/file/protocol.ts";
import { ftpProtocol } from "../protocols/ftp/protocol.ts";
import { gcsProtocol } from "../protocols/gcs/protocol.ts";
import { httpProtocol } from "../protocols/http/http.ts";
import type { TransferProtocol } from "../protocols/contract.ts";
import { NO_MACHINE, type S3Machine } from "../protocols/s3/credentials.ts";
import { s3Protocol } from "../protocols/s3/protocol.ts";
import type { SftpMachine } from "../protocols/sftp/carrier.ts";
import { sftpProtocol } from "../protocols/sftp/protocol.ts";
import { webdavProtocol } from "../protocols/webdav/protocol.ts";
import { type ProtocolRegistry, protocolRegistry } from "../protocols/registry.ts";
import { limited } from "../protocols/wrappers/limit.ts";
import { traced } from "../protocols/wrappers/trace.ts";
import type { Env } from "../runtime/env/env.ts";
import type { Process } from "./process.ts";

/** What a machine without SSH of its own has: every host's key must be pinned. */
const NO_SSH: SftpMachine = { knownHosts: null, agentSocket: null };

/** All of them, by the schemes of their URIs. */
export function installedProtocols(
  ssh: SftpMachine = NO_SSH,
  s3: S3Machine = NO_MACHINE,
): ProtocolRegistry {
  return protocolRegistry([
    fileProtocol(),
    ftpProtocol(),
    httpProtocol(),
    webdavProtocol(),
    sftpProtocol(ssh),
    s3Protocol(s3),
    azureProtocol(),
    gcsProtocol(s3),
  ]);
}

/** What SSH finds in the environment of whoever types a command. */
export function sshOf(process: Pick<Process, "env">): SftpMachine {
  const home = process.env("HOME");
  return {
    knownHosts: home === undefined ? null : `${home}/.ssh/known_hosts`,
    agentSocket: process.env("SSH_AUTH_SOCK") ?? null,
  };
}

/** Where access keys of object stores are that nobody has declared. */
export function s3Of(process: Pick<Process, "env">): S3Machine {
  return { variable: (name) => process.env(name) };
}

/** The schemes of their URIs, which is also what `protocol:` may say in a workflow file. */
export function installedSchemes(): string[] {
  return installedProtocols().protocols.flatMap((protocol) => [...protocol.schemes]);
}

/** The kinds of credentials that each scheme takes; `header` is no protocol's own; http and WebDAV send it. */
export function installedCredentials(): Record<string, readonly string[]> {
  const offered: Record<string, readonly string[]> = {};
  for (const { schemes, credentials = [] } of installedProtocols().protocols) {
    for (const scheme of schemes) {
      offered[scheme] = /^(https?|davs?)$/.test(scheme) ? [...credentials, "header"] : credentials;
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
  /** Where access keys of object stores are; nowhere if left out. */
  readonly s3?: S3Machine;
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
  const { protocols } = installedProtocols(options.ssh, options.s3);
  return protocolRegistry(protocols.map((protocol) => told(bounded(protocol))));
}
