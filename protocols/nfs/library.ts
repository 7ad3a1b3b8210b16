/** Ends of an export that is read through a library: sources, and directories that can be listed. */

import { assertNotAborted } from "../aborting.ts";
import { isSafeName, joinPath, safeName, shownPath } from "../containment.ts";
import type { Source } from "../contract.ts";
import type { Directory, DirectoryCapabilities, Entry, EntryPage } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { translated } from "../file/disk_failure.ts";
import { fileSource, fingerprintOf } from "../file/source.ts";
import { UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import type { NfsEntry } from "../../runtime/env/nfs_library.ts";
import type { FileInfo } from "../../runtime/env/env.ts";
import { entryUri } from "./entries.ts";
import type { LibraryPlace } from "./library_endpoint.ts";
import type { Address, LibraryFiles } from "./library_files.ts";

/** A path of a server, and who may ask for it. */
export interface LibraryEnd {
  readonly place: LibraryPlace;
  readonly files: LibraryFiles;
  readonly address: Address;
}

/** Nothing is written: libnfs 4.0 cannot by NFS 4. */
const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: false,
  rename: false,
  renameNoReplace: false,
  makeDirectory: false,
};

const KINDS: Readonly<Record<FileInfo["kind"], Entry["kind"]>> = {
  file: "file",
  directory: "directory",
  symlink: "link",
  other: "other",
};

/** A source there. */
export function librarySource({ place, files, address }: LibraryEnd): Source {
  return fileSource(files.at(address), place.path);
}

/** `unsupported`: what a destination or a change of names gets. */
export function readOnly(what: string): ProtocolError {
  const message = `cannot ${what}: it is read through libnfs, which does not write; mount it`;
  return new ProtocolError("unsupported", message, { definite: true });
}

/** A directory there; its names can be listed and looked at. */
export class LibraryDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #end: LibraryEnd;

  constructor(end: LibraryEnd) {
    this.#end = end;
  }

  uriOf(name: string): string {
    const { place } = this.#end.place;
    return entryUri(place, place.path, safeName(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const { files, address, place: { path } } = this.#end;
    const action = `list ${shownPath(path)}`;
    assertNotAborted(action, signal);
    const pages = files.list(address, path);
    try {
      for (;;) {
        const page = await translated(() => pages.next());
        assertNotAborted(action, signal);
        if (page.done === true) return;
        yield pageOf(page.value);
      }
    } finally {
      await pages.return();
    }
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const { files, address, place } = this.#end;
    const path = joinPath(place.path, safeName(name));
    assertNotAborted(`look at ${shownPath(path)}`, signal);
    const info = await translated(() => files.lstat(address, path));
    return info === null ? null : entryOf(name, info);
  }

  remove(name: string): Promise<boolean> {
    return Promise.reject(readOnly(`remove ${this.uriOf(name)}`));
  }

  rename(name: string): Promise<boolean> {
    return Promise.reject(readOnly(`rename ${this.uriOf(name)}`));
  }

  makeDirectory(name: string): Promise<void> {
    return Promise.reject(readOnly(`make ${this.uriOf(name)}`));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

function pageOf(found: readonly NfsEntry[]): EntryPage {
  const entries: Entry[] = [];
  const refused: string[] = [];
  for (const one of found) {
    // What is no UTF-8 has lost its bytes, and could not be asked for.
    if (isSafeName(one.name) && !one.name.includes("\ufffd")) entries.push(listedEntry(one));
    else refused.push(shownPath(one.name));
  }
  return { entries, refused };
}

/** libnfs 4.0 leaves the file's number out of what NFS 4 lists: the version is known when it is opened. */
function listedEntry(one: NfsEntry): Entry {
  const entry = entryOf(one.name, one);
  return { ...entry, fingerprint: { ...entry.fingerprint, version: null } };
}

function entryOf(name: string, info: FileInfo): Entry {
  const fingerprint = info.kind === "file" ? fingerprintOf(info) : UNKNOWN_FINGERPRINT;
  return { name, kind: KINDS[info.kind], fingerprint, mode: info.mode };
}
