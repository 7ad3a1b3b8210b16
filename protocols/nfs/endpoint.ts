/** Checking a declared nfs endpoint, and finding which mounted path it means. */

import { isBelow, shownPath } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { assertCredentials } from "../credentials.ts";
import { ProtocolError } from "../errors.ts";
import { type NetworkPlace, networkPlaceOf, shownHost } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";

/** One exported path of a server and where this machine has it. */
export interface NfsMount {
  /** `nfs://host/export` */
  readonly uri: string;
  /** The absolute path that it is mounted at, or one below. */
  readonly path: string;
  /**
   * The type of file system that must be mounted there, and nothing more is asked of it; `null`: nfs or
   * nfs4, of that very server.
   */
  readonly fstype: string | null;
}

/** What a place wants of the way in which it is mounted; nothing here can change it. */
export interface MountDemands {
  readonly nfsVersion: string | null;
  readonly rsize: number | null;
  readonly wsize: number | null;
  readonly tcp: boolean | null;
}

/** A path that is mounted somewhere. */
export interface NfsPlace {
  readonly mount: NfsMount;
  readonly place: NetworkPlace;
  /** Below the exported path, without slashes at its ends; `""` for that itself. */
  readonly below: string;
  readonly demands: MountDemands;
  /** For messages: `nfs://host`. */
  readonly label: string;
}

/** An endpoint that says nothing which NFS has not. */
export interface CheckedEndpoint {
  readonly place: NetworkPlace;
  /** For messages: `nfs://host`. */
  readonly label: string;
  readonly demands: MountDemands;
  readonly refuse: (reason: string) => ProtocolError;
}

/** The options with what they say; all of them are looked up in the list of mounts. */
export const NFS_OPTIONS = {
  nfsVersion: "it must be mounted with this version: 3, 4, 4.0, 4.1 or 4.2",
  rsize: "it must be mounted with this many bytes a read",
  wsize: "it must be mounted with this many bytes a write",
  tcp: "true: it must be mounted over TCP; false: over something else",
} as const;

/** The place of an endpoint; `badEndpoint` names the mounts that there are. */
export function nfsPlaceOf(endpoint: Endpoint, mounts: readonly NfsMount[]): NfsPlace {
  const { place, label, demands, refuse } = checked(endpoint);
  const best = bestOf(mounts, place);
  if (best === null) throw refuse(unknownReason(mounts));
  const below = directoryPath(place.path).slice(best.base === "/" ? 0 : best.base.length)
    .replace(/^\//, "");
  return { mount: best.one, place, below, demands, label };
}

/** What an endpoint says, whatever serves it; `badEndpoint` for what NFS has not. */
export function checked(endpoint: Endpoint): CheckedEndpoint {
  const place = networkPlaceOf(["nfs"], endpoint.uri);
  const label = `nfs://${shownHost(place.host, place.port)}`;
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot use ${label}${shownPath(place.path)}: ${reason}`);
  assertCredentials(endpoint.auth, [], `use ${label}`);
  if (place.user !== null) throw refuse("NFS knows no users in URIs; remove it");
  if (Object.keys(endpoint.headers).length > 0) throw refuse("NFS has no headers; remove them");
  if (endpoint.tls !== null) throw refuse("TLS is a matter of the mount; remove it here");
  return { place, label, demands: demandsOf(endpoint, refuse), refuse };
}

/** Of several exports the one with the longest path that a place is at or below. */
export function bestOf<T extends { readonly uri: string }>(
  exports: readonly T[],
  place: NetworkPlace,
): { readonly one: T; readonly base: string } | null {
  let best: { one: T; base: string } | null = null;
  for (const one of exports) {
    const exported = networkPlaceOf(["nfs"], one.uri);
    const base = directoryPath(exported.path);
    const isIt = exported.host === place.host && portOf(exported) === portOf(place) &&
      isBelow(base, directoryPath(place.path));
    if (isIt && (best === null || base.length > best.base.length)) best = { one, base };
  }
  return best;
}

/** Where its server listens. */
export function portOf({ port }: Pick<NetworkPlace, "port">): number {
  return port ?? PORT;
}

/** The mount as it stands in the settings; `badEndpoint` says what is wrong with it. */
export function assertMount({ uri, path, fstype }: NfsMount): void {
  const { user } = networkPlaceOf(["nfs"], uri);
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot use the mount of ${shownPath(uri)}: ${reason}`);
  if (user !== null) throw refuse("NFS knows no users in URIs; remove it");
  const segments = path.split("/");
  if (!path.startsWith("/") || segments.includes("..") || segments.includes(".")) {
    throw refuse(`${shownPath(path)} is no absolute path`);
  }
  if (directoryPath(path) === "/") throw refuse("the root of this machine is no mount of it");
  if (fstype !== null && !/^[a-z0-9._-]+$/i.test(fstype)) throw refuse("fstype is no name of one");
}

const PORT = 2_049;

function unknownReason(mounts: readonly NfsMount[]): string {
  const known = mounts.map(({ uri }) => uri).join(", ");
  const offered = known === "" ? "there are none" : `there are ${known}`;
  return `this machine has no mount for it in its settings (nfs); ${offered}`;
}

function demandsOf(
  { options }: Endpoint,
  refuse: (reason: string) => ProtocolError,
): MountDemands {
  for (const name of Object.keys(options)) {
    if (Object.hasOwn(NFS_OPTIONS, name)) continue;
    throw refuse(`there is no option "${name}"; there are ${Object.keys(NFS_OPTIONS).join(", ")}`);
  }
  const size = (name: "rsize" | "wsize") => {
    if (options[name] === undefined) return null;
    const value = Number(options[name]);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw refuse(`option ${name} is a number of bytes`);
  };
  const version = options["nfsVersion"];
  if (version !== undefined && !/^(?:3|4|4\.[012])$/.test(String(version))) {
    throw refuse("option nfsVersion can be 3, 4, 4.0, 4.1 or 4.2");
  }
  const tcp = options["tcp"];
  if (tcp !== undefined && !/^(?:true|false)$/.test(String(tcp))) {
    throw refuse("option tcp can be true or false");
  }
  return {
    nfsVersion: version === undefined ? null : String(version),
    rsize: size("rsize"),
    wsize: size("wsize"),
    tcp: tcp === undefined ? null : String(tcp) === "true",
  };
}
