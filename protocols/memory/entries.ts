/** Names of a memory store: flat, with `/` as the end of a directory, as object stores have them. */

import type { Env } from "../../runtime/env/env.ts";
import { joinPath, safeName, shownPath } from "../containment.ts";
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
import { protocolLimits } from "../limits.ts";
import { pathOfUri, uriOfPath } from "../path_uri.ts";
import { callStore } from "./call.ts";
import type { MemoryOperation } from "./operations.ts";
import { fingerprintOf } from "./source.ts";
import type { MemoryStore, StoredFile } from "./store.ts";

/** Of every directory there. */
export const DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: false,
};

/** Everything of a store below one path. */
export class MemoryDirectory implements Directory {
  readonly capabilities = DIRECTORY_CAPABILITIES;
  readonly #store: MemoryStore;
  readonly #client: Env;
  readonly #path: string;

  constructor(store: MemoryStore, client: Env, path: string) {
    this.#store = store;
    this.#client = client;
    this.#path = path;
  }

  uriOf(name: string): string {
    return uriOfPath("memory", this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const { listPageEntries } = protocolLimits;
    const seen = new Set<string>();
    const paths = await this.#call("list", this.#path, signal, () => [...this.#store.files.keys()]);
    const prefix = this.#path === "/" ? "/" : `${this.#path}/`;
    let entries: Entry[] = [];
    for (const path of paths) {
      if (!path.startsWith(prefix)) continue;
      const name = path.slice(prefix.length).split("/")[0]!;
      if (seen.has(name)) continue;
      seen.add(name);
      const entry = this.#entry(name);
      if (entry !== null) entries.push(entry);
      if (entries.length < listPageEntries) continue;
      yield { entries, refused: [] };
      entries = [];
    }
    if (seen.size === 0 && this.#path !== "/") {
      const message = `cannot list ${shownPath(this.#path)} in memory: nothing is below it`;
      throw new ProtocolError("notFound", message);
    }
    if (entries.length > 0) yield { entries, refused: [] };
  }

  stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    return this.#call("stat", this.#at(name), signal, () => this.#entry(name));
  }

  remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    const path = this.#at(name);
    return this.#call("remove", path, signal, () => {
      const file = this.#same("remove", path, expected);
      if (file === null) return false;
      this.#store.files.delete(path);
      const { fileId, bytes } = file;
      this.#store.record("remove", path, fileId, { size: bytes.length });
      return true;
    });
  }

  rename(
    name: string,
    to: string,
    { expected, replace }: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const path = this.#at(name);
    const target = pathOfUri("memory", to);
    return this.#call("rename", path, signal, () => {
      const file = this.#same("rename", path, expected);
      if (file === null) return false;
      if (!replace && this.#store.files.has(target)) {
        const message = `cannot rename ${shownPath(path)} in memory: ${shownPath(target)} exists`;
        throw new ProtocolError("exists", message, { definite: true });
      }
      this.#store.files.delete(path);
      this.#store.files.set(target, file);
      const { fileId, bytes } = file;
      this.#store.record("rename", path, fileId, { to: target, size: bytes.length });
      return true;
    });
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    return this.#call("stat", this.#at(name), signal, () => {});
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }

  #entry(name: string): Entry | null {
    const path = this.#at(name);
    const file = this.#store.files.get(path);
    if (file !== undefined) {
      return { name, kind: "file", fingerprint: fingerprintOf(file), mode: file.mode };
    }
    const hasMore = [...this.#store.files.keys()].some((other) => other.startsWith(`${path}/`));
    if (!hasMore) return null;
    return { name, kind: "directory", fingerprint: UNKNOWN_FINGERPRINT, mode: null };
  }

  #same(verb: string, path: string, expected: Fingerprint | null): StoredFile | null {
    const file = this.#store.files.get(path) ?? null;
    if (file !== null && expected !== null) {
      assertSameVersion(`${verb} ${shownPath(path)} in memory`, expected, fingerprintOf(file));
    }
    return file;
  }

  #call<T>(
    operation: MemoryOperation,
    path: string,
    signal: AbortSignal,
    act: () => T,
  ): Promise<T> {
    return callStore(this.#store, this.#client, { operation, path, signal }, act);
  }
}
