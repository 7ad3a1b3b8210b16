/** Exports that are read through a library, where nothing is mounted. */

import type { Endpoint } from "../contract.ts";
import { shownPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { type NetworkPlace, networkPlaceOf } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import { bestOf, checked, portOf } from "./endpoint.ts";

/** An exported path of a server that may be read through a library. */
export interface NfsExport {
  /** `nfs://host[:port]/export` */
  readonly uri: string;
  /** The absolute path of libnfs.so.13 on this machine. */
  readonly library: string;
}

/** A path of such an export. */
export interface LibraryPlace {
  readonly exported: NfsExport;
  readonly place: NetworkPlace;
  readonly port: number;
  /** As the server names it, from the root of its exports on. */
  readonly path: string;
}

/** The structures of another version lie in memory in another way. */
const LIBRARY = /^\/(?:[^/\0]+\/)*libnfs\.so\.13(?:\.[0-9.]+)?$/;

/** The export as it stands in the settings; `badEndpoint` says what is wrong with it. */
export function assertExport({ uri, library }: NfsExport): void {
  const { user } = networkPlaceOf(["nfs"], uri);
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot use the export ${shownPath(uri)}: ${reason}`);
  if (user !== null) throw refuse("NFS knows no users in URIs; remove it");
  if (LIBRARY.test(library) && !library.split("/").includes("..")) return;
  throw refuse(`${shownPath(library)} is no absolute path of a libnfs.so.13`);
}

/** The place of an endpoint; `null` where no export fits, `badEndpoint` for what the library cannot. */
export function libraryPlaceOf(
  endpoint: Endpoint,
  exports: readonly NfsExport[],
): LibraryPlace | null {
  const { place, demands: { nfsVersion, rsize, wsize, tcp }, refuse } = checked(endpoint);
  const best = bestOf(exports, place);
  if (best === null) return null;
  if (nfsVersion !== null && !/^4(?:\.0)?$/.test(nfsVersion)) {
    throw refuse(`libnfs reads by NFS 4.0 here, and not by ${nfsVersion}; mount it instead`);
  }
  if (rsize !== null || wsize !== null || tcp === false) {
    throw refuse("rsize, wsize and tcp are options of a mount, and it is none; leave them out");
  }
  return { exported: best.one, place, port: portOf(place), path: directoryPath(place.path) };
}
