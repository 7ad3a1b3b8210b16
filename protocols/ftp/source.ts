/** Reading files of an FTP server. */

import { shownPath, splitPath } from "../containment.ts";
import type {
  ByteRange,
  Fingerprint,
  Source,
  SourceCapabilities,
  SourceFacts,
  SourceReader,
} from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { assertSameVersion } from "../fingerprint.ts";
import type { HeldSession } from "../sessions.ts";
import { type FtpAccess, untilAborted } from "./access.ts";
import { assertFile, fingerprintOf, type Seen } from "./facts.ts";
import { canRestart, offeredFacts } from "./features.ts";
import { explained, type FtpSession } from "./session.ts";
import { Download } from "./transfer.ts";

/** The most that a source can do; a server may have less. */
export const SOURCE_CAPABILITIES: SourceCapabilities = {
  ranges: true,
  // One transfer takes a session of its own, and servers count sessions.
  parallelRanges: false,
  serverHash: true,
  mtime: true,
  permissions: true,
};

/** A source at a path of a server; links are followed, since a source path is declared. */
export class FtpSource implements Source {
  readonly #access: FtpAccess;
  readonly #path: string;
  readonly #shown: string;

  constructor(access: FtpAccess) {
    const { path } = access.place.place;
    splitPath(path);
    this.#access = access;
    this.#path = path;
    this.#shown = `${access.place.label}${shownPath(path)}`;
  }

  get capabilities(): SourceCapabilities {
    const { features, place } = this.#access;
    const { asksForHash: serverHash } = place;
    if (features === null) return { ...SOURCE_CAPABILITIES, serverHash, permissions: false };
    const facts = offeredFacts(features);
    return {
      ...SOURCE_CAPABILITIES,
      ranges: canRestart(features),
      serverHash,
      mtime: facts.includes("modify") || features.named.has("MDTM"),
      permissions: facts.includes("unix.mode"),
    };
  }

  stat(signal: AbortSignal): Promise<SourceFacts> {
    const action = `look at ${this.#shown}`;
    return this.#access.use(action, signal, async (session) => {
      return await this.#factsOf(session, await this.#standing(session, action));
    });
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const action = `read ${this.#shown}`;
    const held = await this.#access.take(action, "read", signal);
    const opening = this.#opened(held, range, expected, action, signal);
    opening.catch(held.release);
    try {
      return await untilAborted(action, signal, opening);
    } catch (thrown) {
      // Given up meanwhile: what is opened all the same is closed when it comes.
      opening.then((reader) => reader.close(), () => {});
      throw thrown;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #opened(
    held: HeldSession<FtpSession>,
    range: ByteRange,
    expected: Fingerprint | null,
    action: string,
    signal: AbortSignal,
  ): Promise<FtpReader> {
    const { session } = held;
    // Before opening: a FIFO would block the server's process, a device could have effects.
    const seen = await this.#standing(session, action);
    const facts = await this.#factsOf(session, seen);
    if (expected !== null) assertSameVersion(action, expected, facts.fingerprint);
    const end = this.#endOf(range, seen.size, facts.ranges);
    const again = (): Promise<Fingerprint> =>
      this.#access.use(action, signal, async (other) => {
        const now = await other.lookAgain(this.#path, seen);
        return fingerprintOf(this.#assertFile(now, action));
      });
    const reading = { action, facts, start: range.start, end, signal, again };
    // An empty range is an end; asking for it would have the server wait for nothing.
    if (range.start === end) return new FtpReader(held, null, reading);
    try {
      const command = `RETR ${this.#path}`;
      const download = await Download.open(session, { action, command, from: range.start });
      return new FtpReader(held, download, reading);
    } catch (thrown) {
      throw await explained(session, this.#path, "file", thrown);
    }
  }

  async #factsOf(session: FtpSession, seen: Seen): Promise<SourceFacts> {
    return {
      fingerprint: fingerprintOf(seen),
      ranges: canRestart(session.features),
      mode: seen.mode,
      sha256: this.#access.place.asksForHash ? await session.hash(this.#path) : null,
    };
  }

  #endOf({ start, end }: ByteRange, size: number | null, ranges: boolean): number {
    if (size === null) {
      const message = `cannot read ${this.#shown}: the server does not tell its size`;
      throw new ProtocolError("unsupported", message);
    }
    const wanted = `from byte ${start} to ${end ?? "its end"}`;
    const refused = (reason: string) =>
      new ProtocolError("rangeNotSupported", `cannot read ${this.#shown} ${wanted}: ${reason}`);
    if (start > size || (end !== null && end < start)) throw refused(`it has ${size} bytes`);
    if (start > 0 && !ranges) throw refused("the server cannot begin in the middle (REST)");
    return Math.min(end ?? size, size);
  }

  async #standing(session: FtpSession, action: string): Promise<Seen> {
    return this.#assertFile(await session.look(this.#path, "follow"), action);
  }

  #assertFile(seen: Seen | null, action: string): Seen {
    if (seen === null) {
      throw new ProtocolError("notFound", `cannot ${action}: there is no such file`);
    }
    assertFile(this.#access.place.label, this.#path, seen);
    return seen;
  }
}

interface Reading {
  readonly action: string;
  readonly facts: SourceFacts;
  readonly start: number;
  readonly end: number;
  readonly signal: AbortSignal;
  /** What stands at the path now. */
  readonly again: () => Promise<Fingerprint>;
}

/** Gives its session back as soon as the last byte has come. */
class FtpReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #held: HeldSession<FtpSession>;
  readonly #download: Download | null;
  readonly #reading: Reading;
  #at: number;
  #isEnded = false;
  #ending: Promise<void> | null = null;
  #isClosed = false;

  constructor(held: HeldSession<FtpSession>, download: Download | null, reading: Reading) {
    this.facts = reading.facts;
    this.#held = held;
    this.#download = download;
    this.#reading = reading;
    this.#at = reading.start;
  }

  async read(into: Uint8Array): Promise<number> {
    const { action, end, signal } = this.#reading;
    if (this.#isClosed) throw new ProtocolError("aborted", `cannot ${action}: it was closed`);
    if (this.#isEnded) return 0;
    if (this.#at === end) return await this.#reachedEnd();
    const wanted = into.subarray(0, Math.min(into.length, end - this.#at));
    const filling = this.#download!.fill(wanted);
    const count = await untilAborted(action, signal, filling);
    if (count === 0) throw this.#short();
    this.#at += count;
    return count;
  }

  async confirm(): Promise<Fingerprint> {
    const { action, again } = this.#reading;
    try {
      return await again();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || thrown.code !== "notFound") throw thrown;
      throw new ProtocolError("changed", `cannot ${action}: it is gone`, { cause: thrown });
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#giveBack();
  }

  /** Of the whole file: there must be no byte more, and the server must say that it was all. */
  async #reachedEnd(): Promise<number> {
    const { action, end, facts, signal } = this.#reading;
    if (this.#download !== null && end === facts.fingerprint.size) {
      const more = await untilAborted(action, signal, this.#download.fill(new Uint8Array(1)));
      if (more > 0) {
        const message = `cannot ${action}: there is more than the ${end} bytes that were announced`;
        throw new ProtocolError("tooLong", message);
      }
    }
    this.#isEnded = true;
    await this.#giveBack();
    return 0;
  }

  #giveBack(): Promise<void> {
    this.#ending ??= (async () => {
      await this.#download?.close();
      this.#held.release();
    })();
    return this.#ending;
  }

  #short(): ProtocolError {
    const { action, facts } = this.#reading;
    const { size } = facts.fingerprint;
    const message = `cannot ${action}: it ended at byte ${this.#at} of ${size}`;
    return new ProtocolError("truncated", message);
  }
}
