/**
 * Whether a path is the mount that it is said to be. A mount that has gone leaves an empty folder behind,
 * and what is written there fills the local disk and is on no server.
 */

import { isBelow, shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { networkPlaceOf } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import type { MountDemands, NfsMount } from "./endpoint.ts";
import { mountList, type MountListEnv } from "./mount_list.ts";
import {
  exportedPath,
  type MountEntry,
  mountOption,
  mountsOf,
  mountUnder,
  serverOf,
} from "./mount_table.ts";

const NFS_TYPES: ReadonlySet<string> = new Set(["nfs", "nfs4"]);

/** Why a mount is not the one it should be, as words for a message; `null` if it is. */
export function whyNotMounted(
  entry: MountEntry | null,
  { uri, fstype }: NfsMount,
  path: string,
): string | null {
  if (entry === null) return "nothing is mounted there";
  if (fstype !== null) {
    return entry.type === fstype ? null : `a file system of type ${entry.type} is mounted there`;
  }
  if (!NFS_TYPES.has(entry.type)) {
    return `it is on a file system of type ${entry.type}: the mount has gone, or never was`;
  }
  const { host, path: wanted } = networkPlaceOf(["nfs"], uri);
  const server = serverOf(entry);
  const isServer = server === host || mountOption(entry, "addr") === host;
  if (!isServer) return `it is mounted from the server ${server ?? entry.source}`;
  const exported = exportedPath(entry, path);
  return exported === directoryPath(wanted) ? null : `it is ${exported} of that server`;
}

/** Which of the demands a mount does not meet, as words for a message; `null` if none. */
export function unmetDemand(entry: MountEntry, demands: MountDemands): string | null {
  const { nfsVersion, rsize, wsize, tcp } = demands;
  const version = mountOption(entry, "vers") ?? mountOption(entry, "nfsvers");
  const isVersion = nfsVersion === null || version === nfsVersion ||
    (nfsVersion === "4" && /^4\.\d$/.test(version ?? ""));
  if (!isVersion) return `nfsVersion ${nfsVersion} is wanted, and it is ${version ?? "not known"}`;
  for (const [name, wanted] of [["rsize", rsize], ["wsize", wsize]] as const) {
    const seen = mountOption(entry, name);
    if (wanted !== null && seen !== String(wanted)) {
      return `${name} ${wanted} is wanted, and it is ${seen ?? "not known"}`;
    }
  }
  const protocol = mountOption(entry, "proto");
  const isTcp = protocol === null ? null : /^tcp6?$/.test(protocol);
  if (tcp === null || tcp === isTcp) return null;
  return `${tcp ? "TCP" : "another protocol than TCP"} is wanted, and it is ${
    protocol ?? "not known"
  }`;
}

/** A mount that is what the settings say. */
export interface ProvenMount {
  readonly entry: MountEntry;
  /** Of its file system, and of what the server has mounted below it. */
  readonly devices: ReadonlySet<number>;
}

/**
 * The mount that the canonical `path` is on, which must be what the settings say. Reading the list of
 * mounts asks no server. `unreachable` where it is another one, or none: it may be mounted later.
 */
export async function provenMount(
  env: MountListEnv,
  mount: NfsMount,
  path: string,
): Promise<ProvenMount> {
  const mounts = mountsOf(await mountList(env));
  const entry = mountUnder(mounts, path);
  const reason = whyNotMounted(entry, mount, path);
  if (entry !== null && reason === null) {
    const below = mounts.filter(({ point, type, source }) =>
      isBelow(path, point) && type === entry.type && sameServer(source, entry.source)
    );
    return { entry, devices: new Set([entry, ...below].map(({ dev }) => dev)) };
  }
  const message = `cannot use ${mount.uri}: ${shownPath(path)} is not its mount: ${reason}; ` +
    'mount it, or change "nfs" in the settings';
  throw new ProtocolError("unreachable", message, { definite: true });
}

function sameServer(one: string, other: string): boolean {
  return one.split(":/")[0] === other.split(":/")[0];
}

/** Throws `unsupported` where a demand is not met: somebody has to mount it otherwise. */
export function assertDemands(entry: MountEntry, { uri }: NfsMount, demands: MountDemands): void {
  const unmet = unmetDemand(entry, demands);
  if (unmet === null) return;
  const message =
    `cannot use ${uri} as it is declared: ${unmet}; mount it so, or leave the option out`;
  throw new ProtocolError("unsupported", message, { definite: true });
}
