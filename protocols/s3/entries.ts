/** Names of a bucket: flat, with `/` as the end of a directory. */

import { isSafeName, joinPath, safeName, shownPath } from "../containment.ts";
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
import { directoryPath } from "../path_uri.ts";
import { protocolLimits } from "../limits.ts";
import { uriOnHost } from "../network_uri.ts";
import type { S3Client } from "./client.ts";
import { copyObject } from "./copy.ts";
import { bucketAndPath, keyOf } from "./endpoint.ts";
import { isUnmet } from "./failure.ts";
import { type ListPage, listPage } from "./listing.ts";
import { deleteObject, fingerprintOf, headObject, type S3Object } from "./objects.ts";
import { shown } from "./uploads.ts";

/** Renaming is copying and removing: two steps, the first of which is atomic. */
export const S3_DIRECTORY_CAPABILITIES: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: false,
  makeDirectory: false,
};

/** Everything of a bucket below one path. */
export class S3Directory implements Directory {
  readonly capabilities = S3_DIRECTORY_CAPABILITIES;
  readonly #client: S3Client;
  readonly #path: string;

  constructor(client: S3Client) {
    this.#client = client;
    this.#path = directoryPath(client.place.path);
    if (this.#path !== "/") keyOf(this.#path);
  }

  uriOf(name: string): string {
    return uriOnHost("s3", { user: null, host: this.#bucket, port: null }, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${shown(this.#client, this.#prefix)}`;
    let isEmpty = true;
    let emptyPages = 0;
    for (let next: string | null = null;;) {
      const query = { prefix: this.#prefix, delimiter: "/", next };
      const page = await listPage(this.#client, query, action, signal);
      const entries = this.#entriesOf(page);
      isEmpty &&= page.objects.length === 0 && page.prefixes.length === 0;
      const hasNames = page.objects.length > 0 || page.prefixes.length > 0;
      emptyPages = hasNames ? 0 : emptyPages + 1;
      if (emptyPages > protocolLimits.s3EmptyPagesMax) throw circular(action);
      if (entries.entries.length + entries.refused.length > 0) yield entries;
      next = page.next;
      if (next === null) break;
    }
    if (isEmpty && this.#path !== "/") {
      const message = `cannot ${action}: nothing is below it`;
      throw new ProtocolError("notFound", message, { definite: true });
    }
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const key = keyOf(this.#at(name));
    const action = `look at ${shown(this.#client, key)}`;
    const object = await headObject(this.#client, key, action, signal);
    if (object !== null) return entryOf(name, fingerprintOf(object));
    const query = { prefix: `${key}/`, delimiter: "/", most: 1 };
    const { objects, prefixes } = await listPage(this.#client, query, action, signal);
    if (objects.length + prefixes.length === 0) return null;
    return { name, kind: "directory", fingerprint: UNKNOWN_FINGERPRINT, mode: null };
  }

  async remove(
    name: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = keyOf(this.#at(name));
    const action = `remove ${shown(this.#client, key)}`;
    const object = await this.#same(key, action, expected, signal);
    if (object === null) return await this.#removeEmpty(key, action, signal);
    await this.#removeThat(key, action, object, expected, signal);
    return true;
  }

  async rename(
    name: string,
    to: string,
    { expected, replace }: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const key = keyOf(this.#at(name));
    const target = this.#targetOf(to);
    const targetKey = keyOf(target.place.path);
    const action = `rename ${shown(this.#client, key)} to ${shown(target, targetKey)}`;
    const object = await this.#same(key, action, expected, signal);
    if (object === null) return false;
    const { size, etag } = object;
    if (size === null || etag === null) {
      throw new ProtocolError("badResponse", `cannot ${action}: its size or tag is unknown`);
    }
    if (!replace) await assertFree(target, targetKey, action, signal);
    try {
      const source = { client: this.#client, key, size, etag };
      await copyObject(source, target, targetKey, replace ? {} : absent(target), signal);
    } catch (thrown) {
      throw isUnmet(thrown) ? await this.#whichUnmet(target, targetKey, action, thrown) : thrown;
    }
    await this.#removeThat(key, action, object, object, signal);
    return true;
  }

  /** There are none: a key with slashes is all that it takes. */
  makeDirectory(name: string): Promise<void> {
    return Promise.resolve().then(() => void keyOf(this.#at(name)));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** Both the copied version and the free name are conditions: a look tells which did not hold. */
  async #whichUnmet(
    target: S3Client,
    key: string,
    action: string,
    cause: unknown,
  ): Promise<ProtocolError> {
    const standing = await headObject(target, key, action, null).catch(() => null);
    if (standing !== null) return existsError(action, cause);
    const message = `cannot ${action}: it was changed meanwhile; start over`;
    return new ProtocolError("changed", message, { cause, definite: true });
  }

  /** A marker of an empty directory, as consoles make them. */
  async #removeEmpty(key: string, action: string, signal: AbortSignal): Promise<boolean> {
    const marker = `${key}/`;
    if (await headObject(this.#client, marker, action, signal) === null) return false;
    const query = { prefix: marker, delimiter: "/", most: 2 };
    const { objects, prefixes } = await listPage(this.#client, query, action, signal);
    if (prefixes.length > 0 || objects.some((object) => object.key !== marker)) {
      throw new ProtocolError("io", `cannot ${action}: it is not empty`, { retryable: false });
    }
    await deleteObject(this.#client, marker, action, signal);
    return true;
  }

  /** With `If-Match` where the server keeps it; elsewhere the look before is all there is. */
  async #removeThat(
    key: string,
    action: string,
    { etag }: S3Object,
    expected: unknown,
    signal: AbortSignal,
  ): Promise<void> {
    const isKept = expected !== null && this.#client.place.conditional === true;
    try {
      await deleteObject(this.#client, key, action, signal, isKept ? etag : null);
    } catch (thrown) {
      if (!isUnmet(thrown)) throw thrown;
      const message = `cannot ${action}: it was changed meanwhile; start over`;
      throw new ProtocolError("changed", message, { cause: thrown, definite: true });
    }
  }

  async #same(
    key: string,
    action: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<S3Object | null> {
    const object = await headObject(this.#client, key, action, signal);
    if (object !== null && expected !== null) {
      assertSameVersion(action, expected, fingerprintOf(object));
    }
    return object;
  }

  #targetOf(to: string): S3Client {
    const { place } = this.#client;
    return this.#client.at({ ...place, ...bucketAndPath(to) });
  }

  #entriesOf({ objects, prefixes }: ListPage): EntryPage {
    const entries: Entry[] = [];
    const refused: string[] = [];
    const take = (name: string, entry: (name: string) => Entry) => {
      if (name === "") return;
      if (isSafeName(name) && !name.includes("\ufffd")) entries.push(entry(name));
      else refused.push(shownPath(name));
    };
    for (const { key, size, mtimeMs, etag } of objects) {
      take(this.#below(key), (name) => entryOf(name, { size, mtimeMs, etag, version: null }));
    }
    for (const prefix of prefixes) {
      const name = this.#below(prefix).replace(/\/$/, "");
      // A key with two slashes in a row has a directory without a name.
      if (name === "" && prefix !== this.#prefix) refused.push(shownPath(prefix));
      take(name, (directory) => ({
        name: directory,
        kind: "directory",
        fingerprint: UNKNOWN_FINGERPRINT,
        mode: null,
      }));
    }
    return { entries, refused };
  }

  /** A name that does not begin as was asked for is a hostile server's: it is refused by its form. */
  #below(key: string): string {
    return key.startsWith(this.#prefix) ? key.slice(this.#prefix.length) : `/${key}`;
  }

  get #bucket(): string {
    return this.#client.place.bucket;
  }

  get #prefix(): string {
    return this.#path === "/" ? "" : `${this.#path.slice(1)}/`;
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }
}

function entryOf(name: string, fingerprint: Fingerprint): Entry {
  return { name, kind: "file", fingerprint, mode: null };
}

function absent({ place }: S3Client): Readonly<Record<string, string>> {
  return place.conditional === true ? { "if-none-match": "*" } : {};
}

async function assertFree(
  target: S3Client,
  key: string,
  action: string,
  signal: AbortSignal,
): Promise<void> {
  if (await headObject(target, key, action, signal) !== null) throw existsError(action, undefined);
}

function existsError(action: string, cause: unknown): ProtocolError {
  const message = `cannot ${action}: the name is taken`;
  return new ProtocolError("exists", message, { cause, definite: true });
}

function circular(action: string): ProtocolError {
  return new ProtocolError("badResponse", `cannot ${action}: the listing goes in circles`);
}
