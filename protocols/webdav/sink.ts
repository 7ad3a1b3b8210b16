/**
 * Writing to a WebDAV server.
 *
 * An unpublished file is `data` in a directory of its own, since making a directory is the one thing
 * that every server refuses where the name is taken, and since nothing can be put into a directory that
 * was moved away: that is the fence. Publishing moves `data` to the final name.
 */

import { assert } from "../../runtime/base/assert.ts";
import { abortedError } from "../aborting.ts";
import { containedPath, joinPath, safeName, splitPath } from "../containment.ts";
import type {
  DestinationFacts,
  NoServerCopy,
  ProbeExpectation,
  PublishOptions,
  ServerCopy,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
  Source,
  SourceEndpoint,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { unsupported } from "../http/call.ts";
import { hashAt } from "../http/hash_at.ts";
import type { DavAccess } from "./access.ts";
import { type ExclusiveCollections, makeCollections } from "./collections.ts";
import { move } from "./moving.ts";
import { davCopy } from "./server_copy.ts";
import { DavSinkFile } from "./sink_file.ts";

/** The most that a WebDAV sink can have; resuming only where option partial says so. */
export const DAV_SINK: SinkCapabilities = {
  fence: "seize",
  resume: true,
  randomWrites: false,
  renameNoReplace: true,
  durableSync: false,
  fileId: false,
  readBack: true,
  mtime: false,
  permissions: false,
  serverCopy: true,
};

const NEVER = new AbortController().signal;
const DATA = "data";
const REMOVED = [200, 202, 204, 404, 410];

/** A sink of a WebDAV server. */
export class DavSink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #access: DavAccess;
  readonly #place: SinkPlace;
  readonly #directory: string;
  readonly #sourceAt: (path: string) => Source;
  readonly #exclusive: ExclusiveCollections;
  /** What began here and was not published. */
  readonly #files = new Map<string, DavSinkFile>();

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(
    access: DavAccess,
    place: SinkPlace,
    sourceAt: (path: string) => Source,
    exclusive: ExclusiveCollections,
  ) {
    const { root } = place;
    const { path } = access.at.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.#access = access;
    this.#place = place;
    this.#sourceAt = sourceAt;
    this.#exclusive = exclusive;
    this.capabilities = { ...DAV_SINK, resume: access.at.partial !== "none" };
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const path = this.#at(name);
    if (signal.aborted) throw abortedError(`look at ${this.#access.shown(path)}`, signal);
    const standing = await this.#access.stat(path, signal);
    if (standing === null) return null;
    if (standing.isCollection) throw this.#isDirectory(path);
    return { size: standing.size ?? 0, mtimeMs: null, fileId: null };
  }

  hash(name: string, signal: AbortSignal): Promise<string | null> {
    return hashAt(this.#access.client, this.#access.hop(this.#at(name)), signal);
  }

  serverCopy(source: SourceEndpoint): ServerCopy | NoServerCopy {
    return davCopy(this.#access, source, this.#sourceAt);
  }

  async create(temp: string, signal: AbortSignal, size: number | null = null): Promise<SinkFile> {
    const path = this.#at(temp);
    let made = await this.#exclusive.make(this.#access, path, signal);
    if (made === "parentMissing") {
      this.#assertMayMakeDirectories();
      await makeCollections(this.#access, this.#directory, signal);
      made = await this.#exclusive.make(this.#access, path, signal);
    }
    if (made === "made") return this.#opened(temp, null, size, signal);
    const [code, reason] = made === "taken"
      ? ["exists", "it exists"] as const
      : ["notFound", "its directory is not there"] as const;
    throw new ProtocolError(code, `cannot create ${this.#access.shown(path)}: ${reason}`);
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    const path = this.#at(temp);
    if (!this.capabilities.resume) {
      const reason = "this server was not declared to go on with a file (option partial)";
      throw unsupported("reopen", this.#access.shown(path), reason);
    }
    const data = await this.#access.stat(joinPath(path, DATA), signal);
    if (data !== null) return this.#opened(temp, data.size, null, signal);
    const directory = await this.#access.stat(path, signal);
    return directory === null ? null : this.#opened(temp, null, null, signal);
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof DavSinkFile, "publish() takes a file that this protocol opened");
    try {
      const path = this.#at(options.name);
      const { mtimeMs, mode, replace } = options;
      if (mtimeMs !== null || mode !== null) {
        const reason = "WebDAV gives a file no time and no permissions of its own";
        throw unsupported("publish", this.#access.shown(path), reason);
      }
      if (this.#files.get(file.temp) !== file) throw this.#gone(file.temp);
      await file.complete().catch(async (thrown: unknown) => {
        throw await this.#seized(thrown, file.temp);
      });
      const size = await file.size();
      this.#files.delete(file.temp);
      await this.#giveFinalName(file.temp, path, replace);
      await this.#removeQuietly(file.temp);
      return { size, mtimeMs: null, fileId: null };
    } finally {
      await file.close();
    }
  }

  async seize(temp: string, to: string): Promise<boolean> {
    const [from, target] = [this.#at(temp), this.#at(to)];
    const asked = { from, to: target, isCollection: true, replace: true, signal: NEVER };
    const moved = await move(this.#access, asked);
    if (moved === "moved" || moved === "gone") return moved === "moved";
    const message = `cannot seize ${this.#access.shown(from)}: the server refuses to move it`;
    throw new ProtocolError("io", message, { definite: true });
  }

  async abort(temp: string): Promise<void> {
    const path = this.#at(temp);
    const file = this.#files.get(temp);
    this.#files.delete(temp);
    await file?.close();
    await this.#access.ask(path, { method: "DELETE", accepts: REMOVED, signal: NEVER }, true);
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    const path = this.#at(temp);
    const final = this.#at(expected.name);
    if (this.#files.has(temp)) return "unpublished";
    if (await this.#access.stat(joinPath(path, DATA), NEVER) !== null) return "unpublished";
    if (expected.sha256 === null) return "unknown";
    const { client } = this.#access;
    const seen = await hashAt(client, this.#access.hop(final), NEVER, expected.size);
    if (seen !== expected.sha256) return "unknown";
    // The directory of a file that was moved out of it may have been left.
    await this.#removeQuietly(temp);
    return "published";
  }

  async close(): Promise<void> {
    const files = [...this.#files.values()];
    this.#files.clear();
    for (const file of files) await file.close();
  }

  #opened(
    temp: string,
    storedBytes: number | null,
    size: number | null,
    signal: AbortSignal,
  ): DavSinkFile {
    const path = joinPath(this.#at(temp), DATA);
    const source = () => this.#sourceAt(path);
    const file = new DavSinkFile({
      ...{ access: this.#access, temp, path, storedBytes, size, source, signal },
    });
    this.#files.set(temp, file);
    return file;
  }

  async #giveFinalName(temp: string, final: string, replace: boolean): Promise<void> {
    const from = joinPath(this.#at(temp), DATA);
    const asked = { from, to: final, isCollection: false, replace: false, signal: NEVER };
    let moved = await move(this.#access, asked);
    // Most names are new: only where one is taken it matters by what.
    if (moved === "refused" && replace) {
      await this.#assertNoDirectory(final);
      moved = await move(this.#access, { ...asked, replace });
    }
    if (moved === "moved") return;
    if (moved === "gone") throw this.#gone(temp);
    const [code, reason] = moved === "refused"
      ? ["exists", "it exists"] as const
      : ["notFound", "its directory is gone"] as const;
    const message = `cannot publish ${this.#access.shown(final)}: ${reason}`;
    throw new ProtocolError(code, message, { definite: true });
  }

  /** Where the directory of an unpublished file is gone, a later attempt has taken it away. */
  async #seized(thrown: unknown, temp: string): Promise<unknown> {
    if (!(thrown instanceof ProtocolError) || thrown.details.status === undefined) return thrown;
    // Servers call that 404, 409 and 500.
    const standing = await this.#access.stat(this.#at(temp), NEVER).catch(() => thrown);
    return standing === null ? this.#gone(temp, thrown) : thrown;
  }

  #gone(temp: string, cause?: unknown): ProtocolError {
    const message = `cannot publish ${this.#access.shown(this.#at(temp))}: it is gone; ` +
      "a later attempt has taken over";
    return new ProtocolError("notFound", message, { cause, definite: true });
  }

  /** Moving a file over a directory would remove all that is in it (RFC 4918, 9.9.3). */
  async #assertNoDirectory(path: string): Promise<void> {
    const standing = await this.#access.stat(path, NEVER);
    if (standing?.isCollection === true) throw this.#isDirectory(path);
  }

  #isDirectory(path: string): ProtocolError {
    const message = `cannot use ${this.#access.shown(path)}: it is a directory, not a file`;
    return new ProtocolError("nameRefused", message, { definite: true });
  }

  async #removeQuietly(temp: string): Promise<void> {
    const call = { method: "DELETE", accepts: REMOVED, signal: NEVER };
    await this.#access.ask(this.#at(temp), call, true).catch((thrown: unknown) => {
      // An empty directory is left; what was published stands.
      if (!(thrown instanceof ProtocolError)) throw thrown;
    });
  }

  #assertMayMakeDirectories(): void {
    if (this.#place.createDirectories) return;
    const message =
      `cannot write into ${this.#access.shown(this.#directory)}: it does not exist; ` +
      "make it, or set createDirectories";
    throw new ProtocolError("notFound", message);
  }

  #at(name: string): string {
    return joinPath(this.#directory, safeName(name));
  }
}
