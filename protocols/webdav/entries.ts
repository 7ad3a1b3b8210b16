/** Names of a directory of a WebDAV server. */

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
import { assertSameVersion, UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { plainEndpoint } from "../endpoint.ts";
import { protocolLimits } from "../limits.ts";
import { uriOnHost } from "../network_uri.ts";
import { directoryPath } from "../path_uri.ts";
import type { DavAccess, Standing } from "./access.ts";
import { makeCollections } from "./collections.ts";
import { davPlaceOf, isSameServer } from "./endpoint.ts";
import { move, type Moved } from "./moving.ts";

/** What a WebDAV server lets us do with names. */
export const DAV_DIRECTORY: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: true,
};

const REMOVED = [200, 204];
const GONE: ReadonlySet<number> = new Set([404, 410]);

/** A directory of a server, declared and therefore trusted. */
export class DavDirectory implements Directory {
  readonly capabilities = DAV_DIRECTORY;
  readonly #access: DavAccess;
  readonly #path: string;

  constructor(access: DavAccess) {
    this.#access = access;
    this.#path = directoryPath(access.at.place.path);
  }

  uriOf(name: string): string {
    const { scheme, place } = this.#access.at;
    return uriOnHost(scheme, place, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    let entries: Entry[] = [];
    let refused: string[] = [];
    for await (const { name, resource } of this.#access.children(this.#path, signal)) {
      if (name !== null && isSafeName(name)) entries.push(entryOf(name, resource));
      else refused.push(shownPath(name ?? resource.href));
      if (entries.length + refused.length < protocolLimits.listPageEntries) continue;
      yield { entries, refused };
      [entries, refused] = [[], []];
    }
    if (entries.length + refused.length > 0) yield { entries, refused };
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const standing = await this.#access.stat(this.#at(name), signal);
    return standing === null ? null : entryOf(name, standing);
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    return this.#change("remove", name, expected, signal, async (path, standing) => {
      // A server removes a directory with all that is in it.
      if (standing.isCollection) await this.#assertEmpty(path, signal);
      const headers = conditionOf(standing, expected);
      const call = { method: "DELETE", headers, accepts: REMOVED, signal, changes: true };
      await this.#access.ask(path, call, standing.isCollection);
    });
  }

  async rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = davPlaceOf(plainEndpoint(to));
    if (!isSameServer(this.#access.at, target)) {
      const message = `cannot rename ${this.#shown(this.#at(name))}: the new name is elsewhere`;
      throw new ProtocolError("unsupported", message, { definite: true });
    }
    const final = target.place.path;
    const { directory } = splitPath(final);
    return await this.#change("rename", name, options.expected, signal, async (path, standing) => {
      if (options.replace) await this.#assertNoDirectory(final, signal);
      const asked = {
        ...{ from: path, to: final, isCollection: standing.isCollection, signal },
        replace: options.replace,
        headers: conditionOf(standing, options.expected),
      };
      let moved = await move(this.#access, asked);
      if (moved === "parentMissing" && options.createDirectories) {
        await makeCollections(this.#access, directory, signal);
        moved = await move(this.#access, asked);
      }
      if (moved !== "moved") throw this.#notMoved(moved, path, final, options.replace);
    });
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    return makeCollections(this.#access, this.#at(name), signal);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #notMoved(
    moved: Exclude<Moved, "moved">,
    path: string,
    final: string,
    replace: boolean,
  ): ProtocolError {
    if (moved === "refused" && replace) return changed(this.#shown(path));
    const [code, reason] = moved === "refused"
      ? ["exists", "that name is taken"] as const
      : moved === "gone"
      ? ["notFound", "it is gone"] as const
      : ["notFound", "that directory does not exist; make it"] as const;
    const message = `cannot rename ${this.#shown(path)} to ${this.#shown(final)}: ${reason}`;
    return new ProtocolError(code, message, { definite: true });
  }

  async #change(
    verb: string,
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
    act: (path: string, standing: Standing) => Promise<void>,
  ): Promise<boolean> {
    const path = this.#at(name);
    const standing = await this.#access.stat(path, signal);
    if (standing === null) return false;
    if (expected !== null) {
      assertSameVersion(`${verb} ${this.#shown(path)}`, expected, fingerprintOf(standing));
    }
    try {
      await act(path, standing);
      return true;
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError)) throw thrown;
      const status = Number(thrown.details.status);
      if (status === 412) throw changed(this.#shown(path));
      const isGone = GONE.has(status) || thrown.code === "notFound";
      if (isGone && await this.#access.stat(path, signal) === null) return false;
      throw thrown;
    }
  }

  async #assertEmpty(path: string, signal: AbortSignal): Promise<void> {
    for await (const { name } of this.#access.children(path, signal)) {
      const shown = name === null ? "something" : shownPath(name);
      const message = `cannot remove ${this.#shown(path)}: it is not empty, ${shown} is in it`;
      throw new ProtocolError("io", message, { retryable: false, definite: true });
    }
  }

  async #assertNoDirectory(path: string, signal: AbortSignal): Promise<void> {
    if ((await this.#access.stat(path, signal))?.isCollection !== true) return;
    const message = `cannot rename to ${this.#shown(path)}: it is a directory`;
    throw new ProtocolError("exists", message, { definite: true });
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }

  #shown(path: string): string {
    return this.#access.shown(path);
  }
}

/** Servers that know the condition hold to it; the others were looked at just before. */
function conditionOf({ etag }: Standing, expected: Fingerprint | null): Record<string, string> {
  return expected === null || etag === null ? {} : { "if-match": etag };
}

function fingerprintOf({ size, mtimeMs, etag }: Standing): Fingerprint {
  return { size, mtimeMs, etag, version: null };
}

function entryOf(name: string, standing: Standing): Entry {
  const { isCollection } = standing;
  return {
    name,
    kind: isCollection ? "directory" : "file",
    fingerprint: isCollection ? UNKNOWN_FINGERPRINT : fingerprintOf(standing),
    mode: null,
  };
}

function changed(shown: string): ProtocolError {
  const message = `cannot change ${shown}: it is another version now; start over`;
  return new ProtocolError("changed", message, { definite: true });
}
