/** Writing to an FTP server: a temporary file beside the final one, published by a rename. */

import { assert } from "../../runtime/base/assert.ts";
import { abortedError } from "../aborting.ts";
import { containedPath, joinPath, safeName, shownPath, splitPath } from "../containment.ts";
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
import { makeSinkFolder, resolvedFolder, type SinkFolder } from "../server_folders.ts";
import { type FtpAccess, untilAborted } from "./access.ts";
import { foldersOf } from "./directories.ts";
import { assertSendable } from "./endpoint.ts";
import { assertFile, destinationFactsOf, type Seen } from "./facts.ts";
import { canRestart, timeCommandOf } from "./features.ts";
import { isMissing } from "./meaning.ts";
import { giveFinalName } from "./publish.ts";
import { explained, type FtpSession } from "./session.ts";
import { FtpSinkFile, gone } from "./sink_file.ts";
import { Download } from "./transfer.ts";

/** A published file is readable by everyone unless the transfer says otherwise, as with `cp`. */
const PUBLISHED_MODE = 0o644;
const PERMISSION_BITS = 0o777;
const HASH_BUFFER_BYTES = 262_144;

/** The most that a sink can do; a server may have less. */
export const SINK_CAPABILITIES: SinkCapabilities = {
  fence: "seize",
  resume: true,
  randomWrites: false,
  renameNoReplace: false,
  durableSync: false,
  fileId: false,
  readBack: true,
  mtime: true,
  permissions: true,
};

/** A sink of an FTP server. */
export class FtpSink implements Sink {
  readonly name: string;
  readonly #access: FtpAccess;
  readonly #place: SinkPlace;
  readonly #directory: string;

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(access: FtpAccess, place: SinkPlace) {
    const { root } = place;
    const { path } = access.place.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.#access = access;
    this.#place = place;
  }

  get capabilities(): SinkCapabilities {
    const { features } = this.#access;
    if (features === null) return SINK_CAPABILITIES;
    return {
      ...SINK_CAPABILITIES,
      readBack: canRestart(features),
      mtime: timeCommandOf(features) !== null,
      permissions: features.chmod,
    };
  }

  stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    this.#checked(name);
    return this.#access.use(`look at ${this.#shown(name)}`, signal, async (session) => {
      const standing = await this.#look(session, name);
      if (standing === null) return null;
      // A link there is replaced as a link by publishing; a directory or device could not be.
      if (standing.kind !== "link") this.#assertFile(name, standing);
      return destinationFactsOf(standing);
    });
  }

  hash(name: string, signal: AbortSignal): Promise<string | null> {
    this.#checked(name);
    return this.#access.use(`hash ${this.#shown(name)}`, signal, async (session) => {
      const standing = await this.#look(session, name);
      if (standing === null || standing.kind !== "file") return null;
      return await this.#hashOf(session, name, signal);
    }, "reread");
  }

  async create(temp: string, signal: AbortSignal): Promise<SinkFile> {
    this.#checked(temp);
    const action = `create ${this.#shown(temp)}`;
    const held = await this.#access.take(action, "write", signal);
    const creating = this.#created(held.session, temp, (path) =>
      FtpSinkFile.create({
        ...{ access: this.#access, temp, path },
        shown: this.#shown(temp),
      }, held));
    creating.catch(held.release);
    try {
      return await untilAborted(action, signal, creating, false);
    } catch (thrown) {
      // Given up while the server was at it: what it opened is closed when it comes.
      creating.then((file) => file.close(), () => {});
      throw thrown;
    }
  }

  reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    this.#checked(temp);
    return this.#access.use(`reopen ${this.#shown(temp)}`, signal, async (session) => {
      const standing = await this.#look(session, temp);
      if (standing === null) return null;
      this.#assertFile(temp, standing);
      if (standing.size === null) {
        const message = `cannot reopen ${this.#shown(temp)}: the server does not tell its size`;
        throw new ProtocolError("unsupported", message);
      }
      const path = joinPath(await this.#resolved(session), temp);
      const parts = { access: this.#access, temp, path, shown: this.#shown(temp) };
      return FtpSinkFile.reopen(parts, standing.size);
    });
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof FtpSinkFile, "publish() takes a file that this protocol opened");
    try {
      this.#checked(options.name);
      await file.settled();
      const size = await file.size();
      const action = `publish ${this.#shown(options.name)}`;
      return await this.#access.use(action, null, async (session) => {
        return await this.#published(session, file.temp, size, options);
      }, "write");
    } finally {
      await file.close();
    }
  }

  seize(temp: string, to: string): Promise<boolean> {
    this.#checked(temp);
    this.#checked(to);
    return this.#access.use(`seize ${this.#shown(temp)}`, null, async (session) => {
      try {
        const directory = await this.#resolved(session);
        const path = joinPath(directory, temp);
        await session.rename(path, joinPath(directory, to)).catch(async (thrown: unknown) => {
          throw await explained(session, path, "file", thrown);
        });
        return true;
      } catch (thrown) {
        if (isMissing(thrown)) return false;
        throw thrown;
      }
    });
  }

  abort(temp: string): Promise<void> {
    this.#checked(temp);
    return this.#access.use(`remove ${this.#shown(temp)}`, null, async (session) => {
      try {
        const path = joinPath(await this.#resolved(session), temp);
        await session.remove(path).catch(async (thrown: unknown) => {
          throw await explained(session, path, "file", thrown);
        });
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown;
      }
    });
  }

  probe(
    temp: string,
    { name, size, sha256 }: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    this.#checked(temp);
    this.#checked(name);
    const { signal } = new AbortController();
    return this.#access.use(`look for ${this.#shown(name)}`, null, async (session) => {
      if (await this.#look(session, temp) !== null) return "unpublished";
      const final = await this.#look(session, name);
      if (final === null || final.kind !== "file" || final.size !== size) return "unknown";
      if (sha256 === null) return "unknown";
      const isIt = await this.#hashOf(session, name, signal) === sha256;
      return isIt ? "published" : "unknown";
    }, "reread");
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #created(
    session: FtpSession,
    temp: string,
    open: (path: string) => Promise<FtpSinkFile>,
  ): Promise<FtpSinkFile> {
    if (await this.#isTaken(session, temp)) {
      const message = `cannot create ${this.#shown(temp)}: it exists`;
      throw new ProtocolError("exists", message, { definite: true });
    }
    try {
      const path = joinPath(await this.#resolved(session), temp);
      return await open(path).catch(async (thrown: unknown) => {
        throw await explained(session, path, "directory", thrown);
      });
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
      await makeSinkFolder(foldersOf(session), this.#folder, thrown);
      return await open(joinPath(await this.#resolved(session), temp));
    }
  }

  async #published(
    session: FtpSession,
    temp: string,
    size: number,
    { name, replace, mtimeMs, mode }: PublishOptions,
  ): Promise<DestinationFacts> {
    this.#assertCan(mtimeMs, mode);
    const directory = await this.#resolved(session);
    const path = joinPath(directory, temp);
    try {
      await this.#giveMode(session, path, mode);
      if (mtimeMs !== null) await session.setTime(path, mtimeMs);
    } catch (thrown) {
      if (!session.isBroken) await this.#assertOurs(session, temp, size);
      throw thrown;
    }
    const written = await this.#assertOurs(session, temp, size);
    if (mtimeMs !== null && written.mtimeMs !== Math.floor(mtimeMs / 1_000) * 1_000) {
      const message =
        `cannot publish ${this.#shown(name)}: the server did not keep the time of the ` +
        "file; publish without it";
      throw new ProtocolError("unsupported", message, { definite: true });
    }
    const final = { temp: path, final: joinPath(directory, name), shown: this.#shown(name) };
    await giveFinalName(session, final, replace);
    return destinationFactsOf(written);
  }

  #assertCan(mtimeMs: number | null, mode: number | null): void {
    const { mtime, permissions } = this.capabilities;
    const what = mtimeMs !== null && !mtime
      ? "the time"
      : mode !== null && !permissions
      ? "permissions"
      : null;
    if (what === null) return;
    const message =
      `cannot publish on ${this.#access.place.label}: the server cannot set ${what} ` +
      "of a file; publish without";
    throw new ProtocolError("unsupported", message, { definite: true });
  }

  /** Where nobody asked for permissions, a server that refuses the usual ones keeps its own. */
  async #giveMode(session: FtpSession, path: string, mode: number | null): Promise<void> {
    if (mode === null && !session.features.chmod) return;
    try {
      await session.setMode(path, (mode ?? PUBLISHED_MODE) & PERMISSION_BITS);
    } catch (thrown) {
      if (mode !== null || session.isBroken) throw thrown;
    }
  }

  /** The rename is what a seizure stops; this finds it sooner, and a file of another size in its place. */
  async #assertOurs(session: FtpSession, temp: string, size: number): Promise<Seen> {
    const standing = await this.#look(session, temp);
    if (standing?.size === size) return standing;
    if (standing === null) throw gone(this.#shown(temp));
    const message =
      `cannot publish ${this.#shown(temp)}: it has ${standing.size} bytes, and ${size} ` +
      "were written; a later attempt has taken over";
    throw new ProtocolError("notFound", message, { definite: true });
  }

  async #hashOf(session: FtpSession, name: string, signal: AbortSignal): Promise<string> {
    const path = joinPath(await this.#resolved(session), name);
    const action = `hash ${this.#shown(name)}`;
    if (this.#access.place.asksForHash) {
      const told = await session.hash(path);
      if (told !== null) return told;
    }
    const download = await Download.open(session, { action, command: `RETR ${path}` });
    const hasher = this.#access.env.hash.sha256();
    const buffer = new Uint8Array(HASH_BUFFER_BYTES);
    try {
      for (;;) {
        if (signal.aborted) throw abortedError(action, signal);
        const count = await download.fill(buffer);
        if (count === 0) return hasher.digestHex();
        hasher.update(buffer.subarray(0, count));
      }
    } finally {
      await download.close();
    }
  }

  /** The directory to work in. */
  #resolved(session: FtpSession): Promise<string> {
    return resolvedFolder(foldersOf(session), this.#folder);
  }

  get #folder(): SinkFolder {
    const { root, createDirectories } = this.#place;
    const { label } = this.#access.place;
    return { label, directory: this.#directory, root, createDirectories };
  }

  async #look(session: FtpSession, name: string): Promise<Seen | null> {
    try {
      return await session.look(joinPath(await this.#resolved(session), name));
    } catch (thrown) {
      if (isMissing(thrown)) return null;
      throw thrown;
    }
  }

  async #isTaken(session: FtpSession, name: string): Promise<boolean> {
    try {
      return await session.hasFile(joinPath(await this.#resolved(session), name));
    } catch (thrown) {
      if (isMissing(thrown)) return false;
      throw thrown;
    }
  }

  /** A name that may be, and that can be sent. */
  #checked(name: string): void {
    assertSendable(this.#access.place.label, safeName(name));
  }

  #assertFile(name: string, seen: Seen): void {
    assertFile(this.#access.place.label, joinPath(this.#directory, name), seen);
  }

  #shown(name: string): string {
    return `${this.#access.place.label}${shownPath(joinPath(this.#directory, name))}`;
  }
}
