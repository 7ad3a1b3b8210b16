/** Names of a directory of an SFTP server. */

import { isSafeName, joinPath, safeName, shownPath, splitPath } from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { makeFolders } from "../server_folders.ts";
import { assertSameVersion, UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { networkPlaceOf, uriOnHost } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import { type SftpAccess, untilAborted } from "./access.ts";
import { foldersOf } from "./directories.ts";
import { isSameHost } from "./endpoint.ts";
import { fingerprintOf, kindOf, permissionsOf } from "./facts.ts";
import type { Attributes } from "./packets.ts";
import { giveFinalName, isMissing } from "./publish.ts";
import type { SftpSession } from "./session.ts";

/** Of every directory there. */
export const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: true,
};

/** A directory of a server, declared and therefore trusted, links included. */
export class SftpDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #access: SftpAccess;
  readonly #path: string;

  constructor(access: SftpAccess) {
    this.#access = access;
    this.#path = directoryPath(access.place.place.path);
  }

  uriOf(name: string): string {
    return uriOnHost("sftp", this.#access.place.place, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${this.#shown(this.#path)}`;
    const { session, release } = await this.#access.take(signal);
    try {
      const handle = await untilAborted(action, signal, session.openDirectory(this.#path));
      try {
        for (;;) {
          const names = await untilAborted(action, signal, session.readDirectory(handle));
          if (names === null) return;
          const real = names.filter(({ name }) => name !== "." && name !== "..");
          yield {
            entries: real.filter(({ name }) => isSafeName(name) && !name.includes("\ufffd"))
              .map(({ name, attributes }) => entryOf(name, attributes)),
            refused: real.filter(({ name }) => !isSafeName(name) || name.includes("\ufffd"))
              .map(({ name }) => shownPath(name)),
          };
        }
      } finally {
        await session.close(handle).catch(() => {});
      }
    } finally {
      release();
    }
  }

  stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const path = this.#checked(name);
    if (path instanceof ProtocolError) return Promise.reject(path);
    return this.#access.use(`look at ${this.#shown(path)}`, signal, async (session) => {
      const standing = await session.stat(path, "keep");
      return standing === null ? null : entryOf(name, standing);
    });
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#change("remove", name, expected, signal, async (session, path, standing) => {
      if (kindOf(standing) === "directory") await session.removeDirectory(path);
      else await session.remove(path);
    });
  }

  rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = networkPlaceOf(["sftp"], to);
    if (!isSameHost(this.#access.place.place, target)) {
      const message = `cannot rename ${
        this.#shown(this.#at(name))
      }: the new name is on another host`;
      return Promise.reject(new ProtocolError("unsupported", message, { definite: true }));
    }
    const { directory } = splitPath(target.path);
    return this.#change("rename", name, options.expected, signal, async (session, path) => {
      if (options.createDirectories) await makeFolders(foldersOf(session), directory);
      const paths = { temp: path, final: target.path };
      await giveFinalName(session, paths, options.replace, this.#shown(target.path));
    });
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    const path = this.#at(name);
    return this.#access.use(
      `make ${this.#shown(path)}`,
      signal,
      (session) => makeFolders(foldersOf(session), path),
    );
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #change(
    verb: string,
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
    act: (session: SftpSession, path: string, standing: Attributes) => Promise<void>,
  ): Promise<boolean> {
    const path = this.#at(name);
    const action = `${verb} ${this.#shown(path)}`;
    return this.#access.use(action, signal, async (session) => {
      const standing = await session.stat(path, "keep");
      if (standing === null) return false;
      if (expected !== null) assertSameVersion(action, expected, fingerprintOf(standing));
      try {
        await act(session, path, standing);
        return true;
      } catch (thrown) {
        if (isMissing(thrown) && await session.stat(path, "keep") === null) return false;
        throw thrown;
      }
    });
  }

  #checked(name: string): string | ProtocolError {
    try {
      return this.#at(name);
    } catch (thrown) {
      if (thrown instanceof ProtocolError) return thrown;
      throw thrown;
    }
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }

  #shown(path: string): string {
    return `${this.#access.place.label}${shownPath(path)}`;
  }
}

function entryOf(name: string, attributes: Attributes): Entry {
  const kind = kindOf(attributes);
  const fingerprint = kind === "file" ? fingerprintOf(attributes) : UNKNOWN_FINGERPRINT;
  return { name, kind, fingerprint, mode: permissionsOf(attributes) };
}
