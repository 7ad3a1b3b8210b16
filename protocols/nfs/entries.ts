/** Names of a directory of a mount: those of the local file system, by their nfs URIs. */

import { containedDirectory, safeName, splitPath } from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type { Directory, Entry, EntryPage, RenameOptions } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { translated } from "../file/disk_failure.ts";
import { FileDirectory } from "../file/entries.ts";
import { fileUriOf } from "../file/uri.ts";
import { uriOnHost } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import type { MountedFiles } from "./mounted.ts";

/** Where a directory is. */
export interface DirectoryPlace {
  readonly files: MountedFiles;
  /** The mounted path, and this directory at or below it. */
  readonly root: string;
  readonly path: string;
  /** What the endpoint demands of the mount holds. */
  readonly prove: () => Promise<void>;
  readonly uriOf: (name: string) => string;
  /** The mounted path that another nfs URI means; `null` for another mount. */
  readonly pathOf: (uri: string) => string | null;
}

/** A directory of a mount. No link in its path may lead off the mount. */
export class NfsDirectory implements Directory {
  readonly capabilities;
  readonly #place: DirectoryPlace;

  constructor(place: DirectoryPlace) {
    this.#place = place;
    this.capabilities = new FileDirectory(place.files, place.path).capabilities;
  }

  uriOf(name: string): string {
    return this.#place.uriOf(safeName(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    yield* (await this.#directory()).list(signal);
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    safeName(name);
    return await (await this.#directory()).stat(name, signal);
  }

  async remove(
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<boolean> {
    safeName(name);
    return await (await this.#directory()).remove(name, expected, signal);
  }

  async rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    safeName(name);
    const target = this.#place.pathOf(to);
    if (target === null) {
      const message = `cannot rename ${this.uriOf(name)}: the new name is on another mount`;
      throw new ProtocolError("unsupported", message, { definite: true });
    }
    const directory = await this.#directory();
    await this.#assertTarget(target, options.createDirectories);
    return await directory.rename(name, fileUriOf(target), options, signal);
  }

  async makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    safeName(name);
    await (await this.#directory()).makeDirectory(name, signal);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The deepest directory of the new name that is there must be on the mount. */
  async #assertTarget(target: string, mayBeMissing: boolean): Promise<void> {
    const { files, root } = this.#place;
    let { directory } = splitPath(target);
    while (mayBeMissing && directory !== root && await files.stat(directory) === null) {
      directory = splitPath(directory).directory;
    }
    await translated(() => containedDirectory(files, root, directory));
  }

  async #directory(): Promise<FileDirectory> {
    const { files, root, path, prove } = this.#place;
    await prove();
    const canonical = await translated(() => containedDirectory(files, root, path));
    return new FileDirectory(files, canonical);
  }
}

/** The URI of a name in the directory at `uriPath` of a host. */
export function entryUri(
  place: Parameters<typeof uriOnHost>[1],
  uriPath: string,
  name: string,
): string {
  const directory = directoryPath(uriPath);
  return uriOnHost("nfs", place, directory === "/" ? `/${name}` : `${directory}/${name}`);
}
