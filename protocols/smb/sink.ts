/**
 * Writing to a share: a temporary directory beside the final file, in which the content is written, and
 * from which it is published by a rename. A directory, and not a file: it is made by one that finds none
 * there, and smbclient, which writes by name only, cannot bring it back once it was seized.
 */

import { assert } from "../../runtime/base/assert.ts";
import { containedPath, safeName, shownPath, splitPath } from "../containment.ts";
import type {
  DestinationFacts,
  ProbeExpectation,
  PublishOptions,
  Sink,
  SinkCapabilities,
  SinkFile,
  SinkPlace,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { SmbAccess } from "./access.ts";
import type { Found } from "./answers.ts";
import { assertNoLinks, makeDirectories } from "./directories.ts";
import { Download } from "./download.ts";
import { assertFile, destinationFactsOf } from "./facts.ts";
import { sharePath, smbName } from "./names.ts";
import { UPLOADED_NAME } from "./program.ts";
import { giveFinalName } from "./publish.ts";
import type { SmbSession } from "./session.ts";
import {
  found,
  foundWithTime,
  isMissing,
  makeDirectory,
  removeDirectory,
  removeFile,
  rename,
  renameOut,
} from "./share.ts";
import { SmbSinkFile } from "./sink_file.ts";

/** What smbclient can do for a destination; there is no way to make a server flush. */
export const SINK_CAPABILITIES: SinkCapabilities = {
  fence: "seize",
  resume: false,
  randomWrites: false,
  renameNoReplace: true,
  durableSync: false,
  fileId: false,
  readBack: true,
  mtime: true,
  permissions: false,
};

const HASH_READ_BYTES = 262_144;

/** A sink of a share. */
export class SmbSink implements Sink {
  readonly capabilities = SINK_CAPABILITIES;
  readonly name: string;
  readonly #access: SmbAccess;
  readonly #place: SinkPlace;
  /** Of the directory, below the share. */
  readonly #segments: readonly string[];
  /** How many of them were declared, links included; all of them without a root. */
  readonly #trusted: number;

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(access: SmbAccess, place: SinkPlace) {
    const { root } = place;
    const { path } = access.place.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    if (root !== null) containedPath(root, directory);
    const segments = directory.split("/").filter((segment) => segment !== "").slice(1);
    sharePath([...segments, name]);
    this.name = smbName(name);
    this.#segments = segments;
    const declared = root?.split("/").filter((segment) => segment !== "").length;
    this.#trusted = declared === undefined ? segments.length : Math.max(0, declared - 1);
    this.#access = access;
    this.#place = place;
  }

  async stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    const path = this.#at(name);
    return await this.#call(`look at ${this.#shown(name)}`, signal, async (session) => {
      const standing = await found(session, path);
      if (standing === null) return null;
      assertFile(this.#access.place.label, path, standing);
      return destinationFactsOf(standing);
    });
  }

  async hash(name: string, signal: AbortSignal): Promise<string | null> {
    const path = this.#at(name);
    const standing = await this.#call(
      `hash ${this.#shown(name)}`,
      signal,
      (session) => found(session, path),
    );
    return standing?.kind === "file" ? await this.#hashOf(path, standing, signal) : null;
  }

  async create(temp: string, signal: AbortSignal): Promise<SinkFile> {
    const directory = this.#at(temp);
    const action = `create ${this.#shown(temp)}`;
    return await this.#call(action, signal, async (session) => {
      try {
        await makeDirectory(session, directory);
      } catch (thrown) {
        if (!isMissing(thrown)) throw this.#whyNot(temp, thrown);
        await this.#makeDirectories(session, thrown);
        await makeDirectory(session, directory);
      }
      return new SmbSinkFile(this.#access, directory, temp);
    }, false);
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    this.#at(temp);
    if (signal.aborted) return await this.#call("reopen a file", signal, () => fail());
    const message = `cannot reopen ${
      this.#shown(temp)
    }: smbclient cannot write on at the end of a file`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof SmbSinkFile, "publish() takes a file that this protocol opened");
    try {
      const final = this.#at(options.name);
      this.#assertPossible(options);
      await file.settled();
      const expected = file.length;
      return await this.#call(`publish ${this.#shown(options.name)}`, null, async (session) => {
        const { mtimeMs, replace } = options;
        const standing = mtimeMs === null
          ? await found(session, file.path)
          : await foundWithTime(session, file.path, mtimeMs);
        this.#assertOurs(file.temp, standing, expected);
        if (replace) {
          const { removal } = await renameOut(session, file.directory, file.path, final);
          if (removal !== null) this.#leave(file.directory, removal);
        } else {
          await giveFinalName(
            session,
            { from: file.path, to: final },
            false,
            this.#shown(options.name),
          );
          await this.#removeTemporary(session, file.directory);
        }
        return destinationFactsOf(standing!);
      });
    } finally {
      await file.close();
    }
  }

  async seize(temp: string, to: string): Promise<boolean> {
    const [from, target] = [this.#at(temp), this.#at(to)];
    return await this.#call(`seize ${this.#shown(temp)}`, null, async (session) => {
      try {
        await rename(session, from, target, false);
        return true;
      } catch (thrown) {
        if (isMissing(thrown)) return false;
        throw thrown;
      }
    });
  }

  async abort(temp: string): Promise<void> {
    const directory = this.#at(temp);
    await this.#call(`remove ${this.#shown(temp)}`, null, async (session) => {
      await unlessMissing(removeFile(session, `${directory}\\${UPLOADED_NAME}`));
      await unlessMissing(removeDirectory(session, directory));
    });
  }

  async probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    const [directory, final] = [this.#at(temp), this.#at(expected.name)];
    const content = `${directory}\\${UPLOADED_NAME}`;
    const seen = await this.#call(`look for ${this.#shown(temp)}`, null, async (session) => ({
      content: await found(session, content),
      final: await found(session, final),
    }));
    const isFinal = seen.final?.kind === "file" && seen.final.size === expected.size &&
      expected.sha256 !== null && await this.#hasHash(final, seen.final, expected.sha256);
    if (seen.content === null) {
      if (isFinal) await this.abort(temp);
      return isFinal ? "published" : "unknown";
    }
    // Publishing without replacing gives a second name before it takes the first one away.
    if (!isFinal || seen.content.size !== expected.size) return "unpublished";
    if (!await this.#hasHash(content, seen.content, expected.sha256!)) return "unpublished";
    await this.abort(temp);
    return "published";
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #assertPossible({ mode }: PublishOptions): void {
    if (mode === null) return;
    const message = `cannot publish ${this.#shown(this.name)}: SMB has no permission bits; leave ` +
      '"permissions" out';
    throw new ProtocolError("unsupported", message, { definite: true });
  }

  /** The rename is what a seizure stops; this finds it sooner, and a file of another size in its place. */
  #assertOurs(temp: string, standing: Found | null, size: number): void {
    if (standing?.kind === "file" && standing.size === size) return;
    const message = `cannot publish ${this.#shown(temp)}: ` +
      `${standing === null ? "it is gone" : "another file stands in its place"}; ` +
      "a later attempt has taken over";
    throw new ProtocolError("notFound", message, { definite: true });
  }

  /** Nothing but a name is left of it; a failure is no failure of publishing. */
  async #removeTemporary(session: SmbSession, directory: string): Promise<void> {
    try {
      await removeDirectory(session, directory);
    } catch (thrown) {
      this.#leave(directory, thrown);
    }
  }

  #leave(directory: string, thrown: unknown): void {
    if (isMissing(thrown)) return;
    this.#access.env.log.write("warn", "an empty temporary directory is left over", {
      place: this.#access.place.label,
      directory: shownPath(directory),
    });
  }

  async #hasHash(path: string, standing: Found, sha256: string): Promise<boolean> {
    return await this.#hashOf(path, standing, new AbortController().signal) === sha256;
  }

  async #hashOf(path: string, { size }: Found, signal: AbortSignal): Promise<string> {
    const action = `hash ${shownPath(path)}`;
    const { session, release } = await this.#access.take("reads", signal);
    try {
      const download = await Download.begin(session, action, path, size);
      const hasher = this.#access.env.hash.sha256();
      const buffer = new Uint8Array(HASH_READ_BYTES);
      for (;;) {
        if (signal.aborted) throw new ProtocolError("aborted", `stopped while trying to ${action}`);
        const count = await download.read(buffer);
        if (count === 0) return hasher.digestHex();
        hasher.update(buffer.subarray(0, count));
      }
    } finally {
      // The pool ends it if it is not at the end of the file.
      release();
    }
  }

  async #makeDirectories(session: SmbSession, missing: unknown): Promise<void> {
    if (this.#place.createDirectories) {
      await makeDirectories(session, this.#segments);
      return await assertNoLinks(session, this.#segments, this.#trusted);
    }
    const shown = `${this.#access.place.label}${shownPath(`/${this.#segments.join("/")}`)}`;
    const message =
      `cannot write into ${shown}: it does not exist; make it, or set createDirectories`;
    throw new ProtocolError("notFound", message, { cause: missing, definite: true });
  }

  #whyNot(temp: string, thrown: unknown): unknown {
    if (!(thrown instanceof ProtocolError) || thrown.code !== "exists") return thrown;
    const message = `cannot create ${this.#shown(temp)}: it exists`;
    return new ProtocolError("exists", message, { cause: thrown, definite: true });
  }

  async #call<T>(
    action: string,
    signal: AbortSignal | null,
    call: (session: SmbSession) => Promise<T>,
    isDefinite = true,
  ): Promise<T> {
    return await this.#access.use(action, signal, async (session) => {
      await assertNoLinks(session, this.#segments, this.#trusted);
      return await call(session);
    }, isDefinite);
  }

  #at(name: string): string {
    return sharePath([...this.#segments, safeName(name)]);
  }

  #shown(name: string): string {
    return `${this.#access.place.label}${shownPath(`/${[...this.#segments, name].join("/")}`)}`;
  }
}

function fail(): never {
  throw new ProtocolError("aborted", "a call that was aborted before it began was made");
}

async function unlessMissing(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}
