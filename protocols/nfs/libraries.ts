/** The servers that are read through a library, each with its connections. */

import type { NfsLibrary } from "../../runtime/env/nfs_library.ts";
import type { Endpoint, ProtocolContext } from "../contract.ts";
import { shownHost } from "../network_uri.ts";
import { reachOf } from "../reach.ts";
import type { LibraryEnd } from "./library.ts";
import { assertExport, libraryPlaceOf, type NfsExport } from "./library_endpoint.ts";
import { LibraryFiles } from "./library_files.ts";

/** What is read where nothing is mounted. */
export class Libraries {
  readonly #exports: readonly NfsExport[];
  readonly #library: NfsLibrary;
  readonly #servers = new Map<string, LibraryFiles>();

  /** `badEndpoint` for an export that cannot be one. */
  constructor({ exports, library }: { exports: readonly NfsExport[]; library: NfsLibrary }) {
    for (const one of exports) assertExport(one);
    this.#exports = exports;
    this.#library = library;
  }

  /** The end that an endpoint means, `null` where none of the exports is meant; nothing is contacted. */
  endOf(endpoint: Endpoint, context: ProtocolContext): LibraryEnd | null {
    const place = libraryPlaceOf(endpoint, this.#exports);
    if (place === null) return null;
    context.reach?.check(endpoint.uri);
    const { exported: { library: path }, place: { host }, port } = place;
    const label = `nfs://${shownHost(host, place.place.port)}`;
    const key = JSON.stringify([path, host, port]);
    const { timers } = context.env;
    const files = this.#servers.get(key) ??
      new LibraryFiles({ library: this.#library, path, label, port, timers });
    this.#servers.set(key, files);
    const reach = reachOf(context);
    return { place, files, address: () => reach.addressFor(host, port) };
  }

  /** Ends every connection, and unloads the library. */
  async close(): Promise<void> {
    const all = [...this.#servers.values()];
    this.#servers.clear();
    await Promise.all(all.map((files) => files.close()));
    this.#library.close();
  }
}
