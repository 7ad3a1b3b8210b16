/** Names of a bucket: flat, with `/` as the end of a directory. */

import { z } from "zod";
import { assertNotAborted } from "../aborting.ts";
import { isSafeName, joinPath, safeName, shownPath } from "../containment.ts";
import type { Fingerprint } from "../contract.ts";
import type {
  Directory,
  DirectoryCapabilities,
  Entry,
  EntryPage,
  RenameOptions,
} from "../directory.ts";
import { plainEndpoint } from "../endpoint.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion, UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { directoryPath } from "../path_uri.ts";
import { encodedText } from "../s3/signing.ts";
import type { GcsClient } from "./client.ts";
import { gcsPlaceOf, gcsUri, objectOf } from "./endpoint.ts";
import { fingerprintOf, type GcsObject, OBJECT_FIELDS, objectIn, objectResource } from "./facts.ts";

/** What can be done with the names of a bucket. */
export const GCS_DIRECTORY: DirectoryCapabilities = {
  list: true,
  remove: true,
  rename: true,
  renameNoReplace: true,
  makeDirectory: false,
};

const listing = z.object({
  items: z.array(objectResource).optional(),
  prefixes: z.array(z.string()).optional(),
  nextPageToken: z.string().min(1).optional(),
});

const rewriting = z.object({ done: z.boolean(), rewriteToken: z.string().min(1).optional() });

type Listing = z.infer<typeof listing>;

/** Everything of a bucket below one prefix. */
export class GcsDirectory implements Directory {
  readonly capabilities = GCS_DIRECTORY;
  readonly #client: GcsClient;
  readonly #path: string;
  /** Of the names below: "" or with a slash at its end. */
  readonly #prefix: string;

  constructor(client: GcsClient) {
    this.#client = client;
    this.#path = directoryPath(client.place.path);
    this.#prefix = this.#path === "/" ? "" : `${objectOf(this.#path)}/`;
  }

  uriOf(name: string): string {
    return gcsUri(this.#client.place.bucket, this.#at(name));
  }

  async *list(signal: AbortSignal): AsyncIterable<EntryPage> {
    const action = `list ${this.#shown(this.#path)}`;
    let token: string | undefined;
    let isEmpty = true;
    do {
      const found: Listing = await this.#page(action, this.#prefix, token, signal);
      const { items = [], prefixes = [], nextPageToken } = found;
      if (items.length + prefixes.length > 0) {
        isEmpty = false;
        yield this.#entryPage(items, prefixes);
      }
      if (nextPageToken !== undefined && nextPageToken === token) {
        throw new ProtocolError("badResponse", `cannot ${action}: its pages go in a circle`);
      }
      token = nextPageToken;
    } while (token !== undefined);
    if (!isEmpty || this.#prefix === "") return;
    throw new ProtocolError("notFound", `cannot ${action}: nothing is below it`);
  }

  async stat(name: string, signal: AbortSignal): Promise<Entry | null> {
    const action = `look at ${this.#shown(this.#at(name))}`;
    const found = await this.#look(name, action, signal);
    if (found !== null) return fileEntry(name, found);
    const below = await this.#page(action, `${this.#prefix}${name}/`, undefined, signal, 1);
    const isThere = (below.items?.length ?? 0) + (below.prefixes?.length ?? 0) > 0;
    return isThere ? directoryEntry(name) : null;
  }

  async remove(name: string, expected: Fingerprint | null, signal: AbortSignal): Promise<boolean> {
    const action = `remove ${this.#shown(this.#at(name))}`;
    const found = await this.#same(name, action, expected, signal);
    return found !== null && await this.#delete(name, action, found.generation, signal);
  }

  async rename(
    name: string,
    to: string,
    options: RenameOptions & { readonly expected: Fingerprint | null },
    signal: AbortSignal,
  ): Promise<boolean> {
    const { bucket, path } = gcsPlaceOf(plainEndpoint(to));
    const action = `rename ${this.#shown(this.#at(name))} to ${shownPath(path)}`;
    const found = await this.#same(name, action, options.expected, signal);
    if (found === null) return false;
    if (bucket === this.#client.place.bucket && path === this.#at(name)) return true;
    await this.#rewrite(name, found.generation, { bucket, path }, options.replace, action, signal);
    // What was changed since it was copied stays, beside its copy.
    await this.#delete(name, action, found.generation, signal);
    return true;
  }

  makeDirectory(name: string, signal: AbortSignal): Promise<void> {
    assertNotAborted(`make ${this.#shown(this.#at(name))}`, signal);
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #entryPage(items: readonly GcsObject[], prefixes: readonly string[]): EntryPage {
    const entries: Entry[] = [];
    const refused: string[] = [];
    const sort = (full: string, entry: (name: string) => Entry) => {
      const name = full.startsWith(this.#prefix) ? full.slice(this.#prefix.length) : "/";
      // The directory's own marker.
      if (name === "") return;
      if (isSafeName(name)) entries.push(entry(name));
      else refused.push(shownPath(full));
    };
    for (const item of items) sort(item.name, (name) => fileEntry(name, item));
    for (const prefix of prefixes) sort(prefix.replace(/\/$/, ""), directoryEntry);
    return { entries, refused };
  }

  async #page(
    action: string,
    prefix: string,
    token: string | undefined,
    signal: AbortSignal,
    most: number = protocolLimits.listPageEntries,
  ): Promise<Listing> {
    assertNotAborted(action, signal);
    const value = await this.#client.json({
      method: "GET",
      target: `/storage/v1/b/${encodedText(this.#client.place.bucket)}/o`,
      query: {
        delimiter: "/",
        maxResults: String(most),
        fields: `items(${OBJECT_FIELDS}),prefixes,nextPageToken`,
        ...(prefix === "" ? {} : { prefix }),
        ...(token === undefined ? {} : { pageToken: token }),
      },
      action,
    }, signal);
    const found = listing.safeParse(value);
    if (found.success) return found.data;
    throw new ProtocolError("badResponse", `cannot ${action}: the answer is no listing`);
  }

  async #same(
    name: string,
    action: string,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<GcsObject | null> {
    const found = await this.#look(name, action, signal);
    if (found !== null && expected !== null) {
      assertSameVersion(action, expected, fingerprintOf(found));
    }
    return found;
  }

  async #look(name: string, action: string, signal: AbortSignal): Promise<GcsObject | null> {
    assertNotAborted(action, signal);
    const target = this.#client.resource(objectOf(this.#at(name)));
    const request = { method: "GET", target, query: { fields: OBJECT_FIELDS }, action } as const;
    try {
      return objectIn(action, await this.#client.json(request, signal));
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return null;
      throw thrown;
    }
  }

  async #delete(
    name: string,
    action: string,
    generation: string,
    signal: AbortSignal,
  ): Promise<boolean> {
    const target = this.#client.resource(objectOf(this.#at(name)));
    const query = { ifGenerationMatch: generation };
    try {
      await this.#client.ask({ method: "DELETE", target, query, action }, [200, 204], signal);
      return true;
    } catch (thrown) {
      if (thrown instanceof ProtocolError && thrown.code === "notFound") return false;
      throw thrown;
    }
  }

  /** The service copies in steps, and says when it is done. */
  async #rewrite(
    name: string,
    generation: string,
    to: { readonly bucket: string; readonly path: string },
    replace: boolean,
    action: string,
    signal: AbortSignal,
  ): Promise<void> {
    const from = this.#client.resource(objectOf(this.#at(name)));
    const target = `${from}/rewriteTo${
      this.#client.resource(objectOf(to.path), to.bucket).slice("/storage/v1".length)
    }`;
    let rewriteToken: string | undefined;
    for (let step = 0; step < protocolLimits.gcsRewriteSteps; step++) {
      assertNotAborted(action, signal);
      const value = await this.#client.json({
        method: "POST",
        target,
        query: {
          ifSourceGenerationMatch: generation,
          ...(replace ? {} : { ifGenerationMatch: "0" }),
          ...(rewriteToken === undefined ? {} : { rewriteToken }),
        },
        action,
      }, signal).catch((thrown: unknown) => {
        throw replace ? thrown : taken(action, thrown);
      });
      const found = rewriting.safeParse(value);
      if (found.success && found.data.done) return;
      if (!found.success || found.data.rewriteToken === undefined) break;
      ({ rewriteToken } = found.data);
    }
    throw new ProtocolError("badResponse", `cannot ${action}: the copy does not come to an end`);
  }

  #at(name: string): string {
    return joinPath(this.#path, safeName(name));
  }

  #shown(path: string): string {
    return `${this.#client.place.label}${shownPath(path)}`;
  }
}

function fileEntry(name: string, object: GcsObject): Entry {
  return { name, kind: "file", fingerprint: fingerprintOf(object), mode: null };
}

function directoryEntry(name: string): Entry {
  return { name, kind: "directory", fingerprint: UNKNOWN_FINGERPRINT, mode: null };
}

/** One answer for both conditions: of the two, a name that is taken is what happens. */
function taken(action: string, thrown: unknown): unknown {
  if (!(thrown instanceof ProtocolError) || thrown.code !== "changed") return thrown;
  return new ProtocolError("exists", `cannot ${action}: the name is taken, or it was changed`, {
    cause: thrown,
  });
}
