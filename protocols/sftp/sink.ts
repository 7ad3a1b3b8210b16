/** Writing to an SFTP server: a temporary file beside the final one, published by a rename. */

import { assert } from "../../runtime/base/assert.ts";
import { abortedError } from "../aborting.ts";
import { containedPath, joinPath, safeName, shownPath, splitPath } from "../containment.ts";
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
  SourceEndpoint,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { makeSinkFolder, resolvedFolder, type SinkFolder } from "../server_folders.ts";
import { protocolLimits } from "../limits.ts";
import { type SftpAccess, untilAborted } from "./access.ts";
import { foldersOf } from "./directories.ts";
import { assertFile, destinationFactsOf, kindOf } from "./facts.ts";
import { type Attributes, OPEN } from "./packets.ts";
import { giveFinalName, isMissing } from "./publish.ts";
import { sftpCopy } from "./server_copy.ts";
import type { SftpSession } from "./session.ts";
import { readFully, SftpSinkFile } from "./sink_file.ts";

/** Nobody else reads a file that is not verified yet. */
const UNPUBLISHED_MODE = 0o600;
/** A published file is readable by everyone unless the transfer says otherwise, as with `cp`. */
const PUBLISHED_MODE = 0o644;
const PERMISSION_BITS = 0o777;

/** A server with OpenSSH's extensions; one that lacks them says `unsupported` where it matters. */
export function sinkCapabilities({ sync }: Pick<SinkPlace, "sync">): SinkCapabilities {
  return {
    fence: "seize",
    resume: true,
    randomWrites: true,
    renameNoReplace: true,
    durableSync: sync,
    fileId: false,
    readBack: true,
    mtime: true,
    permissions: true,
    serverCopy: true,
  };
}

/** A sink of an SFTP server. */
export class SftpSink implements Sink {
  readonly capabilities: SinkCapabilities;
  readonly name: string;
  readonly #access: SftpAccess;
  readonly #place: SinkPlace;
  readonly #directory: string;
  /** The way to another place, with what it declares. */
  readonly #accessTo: (source: SourceEndpoint) => SftpAccess;

  /** `escapes` and `nameRefused` for paths that containment refuses; nothing is contacted. */
  constructor(
    access: SftpAccess,
    place: SinkPlace,
    accessTo: (source: SourceEndpoint) => SftpAccess,
  ) {
    const { root } = place;
    const { path } = access.place.place;
    const { directory, name } = splitPath(root === null ? path : containedPath(root, path));
    this.#directory = root === null ? directory : containedPath(root, directory);
    this.name = name;
    this.#access = access;
    this.#place = place;
    this.#accessTo = accessTo;
    this.capabilities = sinkCapabilities(place);
  }

  stat(name: string, signal: AbortSignal): Promise<DestinationFacts | null> {
    safeName(name);
    return this.#access.use(`look at ${this.#shown(name)}`, signal, async (session) => {
      const standing = await this.#lstat(session, name);
      if (standing === null) return null;
      // A link there is replaced as a link by publishing; a directory or device could not be.
      if (kindOf(standing) !== "link") this.#assertFile(name, standing);
      return destinationFactsOf(standing);
    });
  }

  hash(name: string, signal: AbortSignal): Promise<string | null> {
    safeName(name);
    return this.#access.use(`hash ${this.#shown(name)}`, signal, async (session) => {
      const standing = await this.#lstat(session, name);
      if (standing === null || kindOf(standing) !== "file") return null;
      return await this.#hashOf(session, name, standing, signal);
    });
  }

  serverCopy(source: SourceEndpoint): ServerCopy | NoServerCopy {
    const from = this.#accessTo(source);
    if (from.isOfSame(this.#access)) return sftpCopy(from.place);
    return { whyNot: "the source is on another server, or is read with other credentials" };
  }

  freeBytes(signal: AbortSignal): Promise<number | null> {
    const action = `ask for the free space of ${this.#access.place.label}`;
    return this.#access.use(action, signal, async (session) => {
      return (await session.space(this.#directory))?.freeBytes ?? null;
    });
  }

  create(temp: string, signal: AbortSignal): Promise<SinkFile> {
    safeName(temp);
    const flags = OPEN.read | OPEN.write | OPEN.create | OPEN.exclusive;
    return this.#opening(`create ${this.#shown(temp)}`, signal, async (session, open) => {
      const directory = await this.#resolved(session).catch((thrown: unknown) => {
        if (isMissing(thrown)) return this.#directory;
        throw thrown;
      });
      try {
        return await open(joinPath(directory, temp), temp, flags);
      } catch (thrown) {
        if (!isMissing(thrown)) throw await this.#whyNot(session, temp, thrown);
        await makeSinkFolder(foldersOf(session), this.#folder, thrown);
        return await open(joinPath(await this.#resolved(session), temp), temp, flags);
      }
    });
  }

  async reopen(temp: string, signal: AbortSignal): Promise<SinkFile | null> {
    safeName(temp);
    const action = `reopen ${this.#shown(temp)}`;
    try {
      return await this.#opening(action, signal, async (session, open) => {
        const standing = await this.#lstat(session, temp);
        if (standing === null) throw new ProtocolError("notFound", `cannot ${action}: it is gone`);
        this.#assertFile(temp, standing);
        const path = joinPath(await this.#resolved(session), temp);
        return await open(path, temp, OPEN.read | OPEN.write);
      });
    } catch (thrown) {
      if (isMissing(thrown)) return null;
      throw thrown;
    }
  }

  async publish(file: SinkFile, options: PublishOptions): Promise<DestinationFacts> {
    assert(file instanceof SftpSinkFile, "publish() takes a file that this protocol opened");
    try {
      safeName(options.name);
      await file.settled();
      const { session, handle } = file;
      const directory = await this.#resolved(session);
      const temp = joinPath(directory, file.temp);
      await this.#assertOurs(session, file.temp, await file.size());
      const mode = (options.mode ?? PUBLISHED_MODE) & PERMISSION_BITS;
      const { mtimeMs } = options;
      await session.change(handle, {
        mode,
        ...(mtimeMs === null ? {} : { mtimeSeconds: Math.floor(mtimeMs / 1_000) }),
      });
      if (this.#place.sync) await file.sync();
      const written = await session.statHandle(handle);
      const paths = { temp, final: joinPath(directory, options.name) };
      await giveFinalName(session, paths, options.replace, this.#shown(options.name));
      return destinationFactsOf(written);
    } finally {
      await file.close();
    }
  }

  seize(temp: string, to: string): Promise<boolean> {
    safeName(temp);
    safeName(to);
    return this.#access.use(`seize ${this.#shown(temp)}`, null, async (session) => {
      try {
        const directory = await this.#resolved(session);
        const [from, target] = [joinPath(directory, temp), joinPath(directory, to)];
        if (session.has("posixRename")) await session.replace(from, target);
        else await session.rename(from, target);
        return true;
      } catch (thrown) {
        if (isMissing(thrown)) return false;
        throw thrown;
      }
    });
  }

  abort(temp: string): Promise<void> {
    safeName(temp);
    return this.#access.use(`remove ${this.#shown(temp)}`, null, async (session) => {
      try {
        await session.remove(joinPath(await this.#resolved(session), temp));
      } catch (thrown) {
        if (!isMissing(thrown)) throw thrown;
      }
    });
  }

  probe(
    temp: string,
    expected: ProbeExpectation,
  ): Promise<"unpublished" | "published" | "unknown"> {
    safeName(temp);
    const { name, size, sha256 } = expected;
    safeName(name);
    return this.#access.use(`look for ${this.#shown(name)}`, null, async (session) => {
      const unpublished = await this.#lstat(session, temp);
      const final = await this.#lstat(session, name);
      const isFinal = final !== null && kindOf(final) === "file" && final.size === size &&
        sha256 !== null &&
        await this.#hashOf(session, name, final, new AbortController().signal) === sha256;
      if (unpublished === null) return isFinal ? "published" : "unknown";
      // Publishing without replacing gives a second name before it takes the first one away.
      if (!isFinal || unpublished.size !== size) return "unpublished";
      return await this.#finishLink(session, temp, unpublished, sha256);
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** The rename is what a seizure stops; this finds it sooner, and a file of another size in its place. */
  async #assertOurs(session: SftpSession, temp: string, size: number): Promise<void> {
    const standing = await this.#lstat(session, temp);
    if (standing !== null && standing.size === size) return;
    const message = `cannot publish ${this.#shown(temp)}: ` +
      `${standing === null ? "it is gone" : "another file stands in its place"}; ` +
      "a later attempt has taken over";
    throw new ProtocolError("notFound", message, { definite: true });
  }

  /** Equal bytes under both names: two names of one file, or a file that need not be published again. */
  async #finishLink(
    session: SftpSession,
    temp: string,
    standing: Attributes,
    sha256: string | null,
  ): Promise<"published" | "unpublished"> {
    const { signal } = new AbortController();
    const isSame = await this.#hashOf(session, temp, standing, signal) === sha256;
    if (!isSame) return "unpublished";
    await session.remove(joinPath(await this.#resolved(session), temp)).catch((thrown: unknown) => {
      if (!isMissing(thrown)) throw thrown;
    });
    return "published";
  }

  async #opening(
    action: string,
    signal: AbortSignal,
    call: (
      session: SftpSession,
      open: (path: string, temp: string, flags: number) => Promise<SftpSinkFile>,
    ) => Promise<SftpSinkFile>,
  ): Promise<SinkFile> {
    if (signal.aborted) throw abortedError(action, signal);
    const held = await this.#access.take(signal);
    const { session } = held;
    const opened = call(session, async (path, temp, flags) => {
      const mode = (flags & OPEN.create) === 0 ? {} : { mode: UNPUBLISHED_MODE };
      const handle = await session.open(path, flags, mode);
      const explained = (error: unknown) => this.#explained(session, temp, error);
      return new SftpSinkFile({ held, handle, temp, shown: this.#shown(temp), explained });
    });
    // Given up while the server was at it: what it opened is closed when it comes.
    opened.then((file) => signal.aborted ? file.close() : undefined, () => held.release());
    return await untilAborted(action, signal, opened, false);
  }

  /** A failure says little; the reason most worth telling is a full disk. */
  async #explained(session: SftpSession, temp: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ProtocolError) || error.code !== "io" || session.isBroken) return error;
    const space = await session.space(this.#directory).catch(() => null);
    if (space === null || space.freeBytes >= protocolLimits.sftpFullBelowBytes) return error;
    const message = `cannot write ${this.#shown(temp)}: there is no space left; free some`;
    return new ProtocolError("noSpace", message, { cause: error, definite: true });
  }

  /** Version 3 has no status for a name that is taken. */
  async #whyNot(session: SftpSession, temp: string, error: unknown): Promise<unknown> {
    if (!(error instanceof ProtocolError) || error.code !== "io" || session.isBroken) return error;
    const standing = await this.#lstat(session, temp).catch(() => null);
    if (standing === null) return await this.#explained(session, temp, error);
    const message = `cannot create ${this.#shown(temp)}: it exists`;
    return new ProtocolError("exists", message, { cause: error, definite: true });
  }

  async #hashOf(
    session: SftpSession,
    name: string,
    { size }: Attributes,
    signal: AbortSignal,
  ): Promise<string> {
    const path = joinPath(await this.#resolved(session), name);
    const handle = await session.open(path, OPEN.read);
    const hasher = this.#access.env.hash.sha256();
    const buffer = new Uint8Array(Math.min(protocolLimits.sftpWindowBytes, Math.max(1, size ?? 1)));
    try {
      for (let at = 0;;) {
        if (signal.aborted) throw abortedError(`hash ${this.#shown(name)}`, signal);
        const count = await readFully(session, handle, buffer, at);
        hasher.update(buffer.subarray(0, count));
        at += count;
        if (count < buffer.length) return hasher.digestHex();
      }
    } finally {
      await session.close(handle).catch(() => {});
    }
  }

  /** The directory to work in. */
  #resolved(session: SftpSession): Promise<string> {
    return resolvedFolder(foldersOf(session), this.#folder);
  }

  get #folder(): SinkFolder {
    const { root, createDirectories } = this.#place;
    const { label } = this.#access.place;
    return { label, directory: this.#directory, root, createDirectories };
  }

  async #lstat(session: SftpSession, name: string): Promise<Attributes | null> {
    try {
      return await session.stat(joinPath(await this.#resolved(session), name), "keep");
    } catch (thrown) {
      if (isMissing(thrown)) return null;
      throw thrown;
    }
  }

  #assertFile(name: string, attributes: Attributes): void {
    assertFile(this.#access.place.label, joinPath(this.#directory, name), attributes);
  }

  #shown(name: string): string {
    return `${this.#access.place.label}${shownPath(joinPath(this.#directory, name))}`;
  }
}
