/** The transfer protocols of this program. */

import { azureProtocol } from "../protocols/azure/protocol.ts";
import { fileProtocol } from "../protocols/file/protocol.ts";
import { ftpProtocol } from "../protocols/ftp/protocol.ts";
import { gcsProtocol } from "../protocols/gcs/protocol.ts";
import { httpProtocol } from "../protocols/http/http.ts";
import type { TransferProtocol } from "../protocols/contract.ts";
import { ReachGuard } from "../protocols/reach.ts";
import { DEFAULT_REACH, type ReachPolicy } from "../protocols/reach_policy.ts";
import { NO_MACHINE, type S3Machine } from "../protocols/s3/credentials.ts";
import { s3Protocol } from "../protocols/s3/protocol.ts";
import { type NfsMachine, nfsProtocol } from "../protocols/nfs/protocol.ts";
import type { SftpMachine } from "../protocols/sftp/carrier.ts";
import { sftpProtocol } from "../protocols/sftp/protocol.ts";
import type { SmbMachine } from "../protocols/smb/program.ts";
import { smbProtocol } from "../protocols/smb/protocol.ts";
import { webdavProtocol } from "../protocols/webdav/protocol.ts";
import { type ProtocolRegistry, protocolRegistry } from "../protocols/registry.ts";
import { limited } from "../protocols/wrappers/limit.ts";
import { reaching } from "../protocols/wrappers/reach.ts";
import { traced } from "../protocols/wrappers/trace.ts";
import type { Env } from "../runtime/env/env.ts";
import type { Process } from "./process.ts";

/** What a machine without SSH of its own has: every host's key must be pinned. */
const NO_SSH: SftpMachine = { knownHosts: null, agentSocket: null };

/** What a machine has of file servers. */
export interface ShareMachine {
  readonly smb: SmbMachine;
  readonly nfs: NfsMachine;
}

/** No tickets but those that Kerberos finds, no folder for files on their way, and no mounts. */
const NO_SHARES: ShareMachine = {
  smb: { ticketCache: null, folder: null },
  nfs: { mounts: [], files: null },
};

/** Those that come from outside. */
export type PlugIns = readonly TransferProtocol[];

/** All of them, by the schemes of their URIs. What they reach is not limited: {@link protocolsFor} is. */
export function installedProtocols(
  ssh: SftpMachine = NO_SSH,
  plugIns: PlugIns = [],
  s3: S3Machine = NO_MACHINE,
  shares: ShareMachine = NO_SHARES,
): ProtocolRegistry {
  return protocolRegistry([
    fileProtocol(),
    ftpProtocol(),
    httpProtocol(),
    sftpProtocol(ssh),
    s3Protocol(s3),
    azureProtocol(),
    gcsProtocol(s3),
    smbProtocol(shares.smb),
    nfsProtocol(shares.nfs),
    webdavProtocol(),
    ...plugIns,
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

/** What SSH is told of in a node's settings. */
export interface SshSettings {
  readonly knownHosts?: string | undefined;
  readonly agentSocket?: string | undefined;
}

/** What a node's settings say of SSH: its environment is not looked at. */
export function sshOfSettings({ knownHosts, agentSocket }: SshSettings): SftpMachine {
  return { knownHosts: knownHosts ?? null, agentSocket: agentSocket ?? null };
}

/** The schemes of their URIs, which is also what `protocol:` may say in a workflow file. */
export function installedSchemes(plugIns: PlugIns = []): string[] {
  return installedProtocols(NO_SSH, plugIns).protocols.flatMap(({ schemes }) => [...schemes]);
}

/** The schemes whose directories can be listed: what a set of files can come from. */
export function installedDirectories(plugIns: PlugIns = []): string[] {
  return installedProtocols(NO_SSH, plugIns).protocols
    .filter(({ directory }) => directory !== undefined).flatMap(({ schemes }) => [...schemes]);
}

/** The kinds of credentials that each scheme takes; `header` is no protocol's own; http and WebDAV send it. */
export function installedCredentials(
  plugIns: PlugIns = [],
): Record<string, readonly string[]> {
  const offered: Record<string, readonly string[]> = {};
  for (const { schemes, credentials = [] } of installedProtocols(NO_SSH, plugIns).protocols) {
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
  /** What file servers find on this machine; nothing if left out. */
  readonly shares?: ShareMachine;
  /** What may be reached; what is safe by default if left out. */
  readonly reach?: ReachPolicy;
  readonly plugIns?: PlugIns;
}

/** The installed protocols as a run uses them. */
export function protocolsFor(env: Env, options: ProtocolOptions): ProtocolRegistry {
  const { maxRate, trace, reach = DEFAULT_REACH, ssh, s3, shares, plugIns = [] } = options;
  const guard = new ReachGuard(reach, env);
  const bounded = (protocol: TransferProtocol): TransferProtocol => {
    if (maxRate === null) return protocol;
    const slow = limited(protocol, { bytesPerSecond: maxRate, maxConcurrent: null }, env);
    // Sinks are left alone: what was read slowly is written slowly.
    return slow.source === undefined ? protocol : { ...protocol, source: slow.source };
  };
  const told = (protocol: TransferProtocol): TransferProtocol =>
    trace ? traced(protocol, env, (call) => env.log.write("info", "call", { ...call })) : protocol;
  const { protocols } = installedProtocols(ssh, plugIns, s3, shares);
  const guarded = (protocol: TransferProtocol): TransferProtocol =>
    reaching(protocol, guard, protocol.name === "file" || plugIns.includes(protocol));
  return protocolRegistry(protocols.map((protocol) => told(bounded(guarded(protocol)))));
}
