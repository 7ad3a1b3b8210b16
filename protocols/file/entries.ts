/** Names of a local directory: listed, removed, moved. */

import type { Disk, FileInfo } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { assertNotAborted } from "../aborting.ts";
import {
  isSafeName,
  isSameFile,
  joinPath,
  safeName,
  shownPath,
  splitPath,
} from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryKind,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion, UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { makeDirectories } from "./directories.ts";
import { translated } from "./disk_failure.ts";
import { fingerprintOf } from "./source.ts";
import { fileUriOf, pathOfFileUri } from "./uri.ts";

/** Of every directory there. */
export const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: true,
};

/** A directory of the local file system, declared and therefore trusted, links included. */
export class FileDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #disk: Disk;
  readonly #path: string;

  constructor(disk: Disk, path: string) {
    this.#disk = disk;
    this.#path = path;
  }

  uriOf(name: string): string {
    return fileUriOf(this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${shownPath(this.#path)}`;
    const names = await translated(async () => {
      assertNotAborted(action, signal);
      return await this.#disk.readDirectory(this.#path);
    });
    const { listPageEntries } = protocolLimits;
    for (let at = 0; at < names.length; at += listPageEntries) {
      assertNotAborted(action, signal);
      const page = names.slice(at, at + listPageEntries).map(({ name }) => name);
      const safe = page.filter(isSafeName);
      const found = await Promise.all(safe.map((name) => this.stat(name, signal)));
      yield {
        entries: found.filter((entry) => entry !== null),
        refused: page.filter((name) => !isSafeName(name)).map(shownPath),
      };
    }
  }

  stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    return translated(async () => {
      const path = this.#at(name);
      assertNotAborted(`look at ${shownPath(path)}`, signal);
      const info = await this.#disk.lstat(path);
      return info === null ? null : entryOf(name, info);
    });
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#change("remove", name, expected, signal, async (path) => {
      await this.#disk.remove(path);
      await this.#disk.syncDirectory(this.#path);
    });
  }

  rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = pathOfFileUri(to);
    const { directory } = splitPath(target);
    return this.#change("rename", name, options.expected, signal, async (path) => {
      if (options.createDirectories) {
        await makeDirectories(this.#disk, directory, null, true);
      }
      if (options.replace) await this.#disk.rename(path, target);
      else await this.#linkAndRemove(path, target);
      await this.#disk.syncDirectory(directory);
      if (directory !== this.#path) await this.#disk.syncDirectory(this.#path);
    });
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    return translated(async () => {
      const path = this.#at(name);
      assertNotAborted(`make ${shownPath(path)}`, signal);
      await makeDirectories(this.#disk, path, null, true);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Done again after a crash between its two steps, it finds both names on one file. */
  async #linkAndRemove(path: string, target: string): Promise<void> {
    try {
      await this.#disk.link(path, target);
    } catch (thrown) {
      const [from, to] = [await this.#disk.lstat(path), await this.#disk.lstat(target)];
      if (from === null || to === null || !isSameFile(from, to)) throw thrown;
    }
    await this.#disk.remove(path);
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }

  #change(
    verb: string,
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
    act: (path: string) => Promise<void>,
  ): Promise<boolean> {
    const path = this.#at(name);
    const action = `${verb} ${shownPath(path)}`;
    return translated(async () => {
      assertNotAborted(action, signal);
      const standing = await this.#disk.lstat(path);
      if (standing === null) return false;
      if (expected !== null) assertSameVersion(action, expected, fingerprintOf(standing));
      if (verb === "rename" && standing.kind !== "file") {
        throw new ProtocolError("unsupported", `cannot ${action}: it is a ${standing.kind}`);
      }
      try {
        await act(path);
        return true;
      } catch (thrown) {
        const isGone = thrown instanceof DiskError && thrown.code === "notFound" &&
          await this.#disk.lstat(path) === null;
        if (isGone) return false;
        throw thrown;
      }
    });
  }
}

const KINDS: Readonly<Record<FileInfo["kind"], EntryKind>> = {
  file: "file",
  directory: "directory",
  symlink: "link",
  other: "other",
};

function entryOf(name: string, info: FileInfo): Entry {
  const fingerprint = info.kind === "file" ? fingerprintOf(info) : UNKNOWN_FINGERPRINT;
  return { name, kind: KINDS[info.kind], fingerprint, mode: info.mode };
}
