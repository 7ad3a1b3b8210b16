/** Reading files of an SFTP server. */

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
import { protocolLimits } from "../limits.ts";
import type { HeldSession } from "../sessions.ts";
import { type SftpAccess, untilAborted } from "./access.ts";
import { assertFile, fingerprintOf, permissionsOf } from "./facts.ts";
import { type Attributes, type Data, OPEN } from "./packets.ts";
import type { SftpSession } from "./session.ts";

/** Of every file there. */
export const SOURCE_CAPABILITIES: SourceCapabilities = {
  ranges: true,
  parallelRanges: true,
  serverHash: true,
  mtime: true,
  permissions: true,
};

/** A source at a path of a server; links are followed, since a source path is declared. */
export class SftpSource implements Source {
  readonly #access: SftpAccess;
  readonly #path: string;
  readonly #shown: string;
  /** What the server said of a version: it reads the whole file to tell it, and ranges are many. */
  #hashed: { readonly of: string; readonly sha256: Promise<string | null> } | null = null;

  constructor(access: SftpAccess) {
    const { path } = access.place.place;
    splitPath(path);
    this.#access = access;
    this.#path = path;
    this.#shown = `${access.place.label}${shownPath(path)}`;
  }

  /** A hash by the server only where it is to be asked for one. */
  get capabilities(): SourceCapabilities {
    return { ...SOURCE_CAPABILITIES, serverHash: this.#access.place.asksForHash };
  }

  stat(signal: AbortSignal): Promise<SourceFacts> {
    const action = `look at ${this.#shown}`;
    return this.#access.use(action, signal, async (session) => {
      return await this.#factsOf(session, this.#path, await this.#standing(session, action));
    });
  }

  async open(
    range: ByteRange,
    expected: Fingerprint | null,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const action = `read ${this.#shown}`;
    if (signal.aborted) await untilAborted(action, signal, Promise.resolve());
    const held = await this.#access.take(signal);
    try {
      const opening = this.#opened(held, range, expected, action, signal);
      return await untilAborted(action, signal, opening);
    } catch (thrown) {
      held.release();
      throw thrown;
    }
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #opened(
    held: HeldSession<SftpSession>,
    range: ByteRange,
    expected: Fingerprint | null,
    action: string,
    signal: AbortSignal,
  ): Promise<SourceReader> {
    const { session } = held;
    // Before opening: a FIFO would block the server's process, a device could have effects.
    await this.#standing(session, action);
    const handle = await session.open(this.#path, OPEN.read);
    try {
      const attributes = await session.statHandle(handle);
      assertFile(this.#access.place.label, this.#path, attributes);
      if (expected !== null) assertSameVersion(action, expected, fingerprintOf(attributes));
      const facts = await this.#factsOf(session, handle, attributes);
      const end = this.#endOf(range, attributes.size);
      if (signal.aborted) throw new ProtocolError("aborted", `stopped while trying to ${action}`);
      const again = async () => fingerprintOf(await this.#standing(session, action));
      return new SftpReader(held, handle, {
        action,
        facts,
        start: range.start,
        end,
        signal,
        again,
      });
    } catch (thrown) {
      await session.close(handle).catch(() => {});
      throw thrown;
    }
  }

  async #factsOf(
    session: SftpSession,
    of: string | Uint8Array,
    attributes: Attributes,
  ): Promise<SourceFacts> {
    return {
      fingerprint: fingerprintOf(attributes),
      ranges: true,
      mode: permissionsOf(attributes),
      sha256: await this.#hashOf(session, of, attributes),
    };
  }

  #hashOf(
    session: SftpSession,
    of: string | Uint8Array,
    attributes: Attributes,
  ): Promise<string | null> {
    if (!this.#access.place.asksForHash || attributes.size === null) return Promise.resolve(null);
    const version = JSON.stringify(fingerprintOf(attributes));
    if (this.#hashed?.of !== version) {
      const sha256 = session.hash(of, attributes.size);
      this.#hashed = { of: version, sha256 };
      sha256.catch(() => void (this.#hashed = null));
    }
    return this.#hashed!.sha256;
  }

  #endOf({ start, end }: ByteRange, size: number | null): number {
    if (size === null) {
      const message = `cannot read ${this.#shown}: the server does not tell its size`;
      throw new ProtocolError("unsupported", message);
    }
    if (start <= size && (end === null || end >= start)) return Math.min(end ?? size, size);
    const wanted = `from byte ${start} to ${end ?? "its end"}`;
    const message = `cannot read ${this.#shown} ${wanted}: it has ${size} bytes`;
    throw new ProtocolError("rangeNotSupported", message);
  }

  async #standing(session: SftpSession, action: string): Promise<Attributes> {
    const attributes = await session.stat(this.#path, "follow");
    if (attributes === null) {
      throw new ProtocolError("notFound", `cannot ${action}: there is no such file`);
    }
    assertFile(this.#access.place.label, this.#path, attributes);
    return attributes;
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

interface Asked {
  readonly offset: number;
  readonly length: number;
  readonly data: Promise<Data | null>;
}

/** Asks for as many bytes ahead as the window holds: a request takes a round trip. */
class SftpReader implements SourceReader {
  readonly facts: SourceFacts;
  readonly #held: HeldSession<SftpSession>;
  readonly #handle: Uint8Array;
  readonly #reading: Reading;
  readonly #asked: Asked[] = [];
  #next: number;
  /** Asked for, and not taken out of `#asked`. */
  #aheadBytes = 0;
  /** What came and was not read yet, piece by piece. */
  #came: Uint8Array[] = [];
  #isClosed = false;

  constructor(held: HeldSession<SftpSession>, handle: Uint8Array, reading: Reading) {
    this.facts = reading.facts;
    this.#held = held;
    this.#handle = handle;
    this.#reading = reading;
    this.#next = reading.start;
  }

  async read(into: Uint8Array): Promise<number> {
    const { action, signal } = this.#reading;
    if (this.#isClosed) throw new ProtocolError("aborted", `cannot ${action}: it was closed`);
    if (this.#came.length === 0) {
      this.#ask();
      const first = this.#asked.shift();
      if (first === undefined) return 0;
      this.#aheadBytes -= first.length;
      this.#came = [...await untilAborted(action, signal, this.#answer(first))];
      this.#ask();
    }
    return this.#deliver(into);
  }

  async confirm(): Promise<Fingerprint> {
    const { action, signal, again } = this.#reading;
    try {
      return await untilAborted(action, signal, again());
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || thrown.code !== "notFound") throw thrown;
      throw new ProtocolError("changed", `cannot ${action}: it is gone`, { cause: thrown });
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { session, release } = this.#held;
    // The answers that are on their way are dropped; the server closes after it has sent them.
    await session.close(this.#handle).catch(() => {});
    release();
  }

  #deliver(into: Uint8Array): number {
    let count = 0;
    let whole = 0;
    for (const piece of this.#came) {
      const taken = piece.subarray(0, into.length - count);
      into.set(taken, count);
      count += taken.length;
      if (taken.length < piece.length) {
        this.#came[whole] = piece.subarray(taken.length);
        break;
      }
      whole += 1;
    }
    this.#came.splice(0, whole);
    return count;
  }

  /** Asks for half a window at once, when that is to spare: requests that leave together cost less. */
  #ask(): void {
    const { sftpWindowBytes } = protocolLimits;
    if (this.#aheadBytes > sftpWindowBytes / 2) return;
    const { session } = this.#held;
    while (this.#next < this.#reading.end && this.#aheadBytes < sftpWindowBytes) {
      const length = Math.min(session.readBytes, this.#reading.end - this.#next);
      this.#asked.push(this.#request(this.#next, length));
      this.#next += length;
    }
  }

  #request(offset: number, length: number): Asked {
    const data = this.#held.session.read(this.#handle, offset, length);
    // It may fail while an earlier one is awaited; that one's failure is told first.
    data.catch(() => {});
    this.#aheadBytes += length;
    return { offset, length, data };
  }

  async #answer({ offset, length, data }: Asked): Promise<readonly Uint8Array[]> {
    const came = await data;
    const { action, facts } = this.#reading;
    if (came === null) {
      const size = facts.fingerprint.size;
      const message = `cannot ${action}: it ended at byte ${offset} of ${size}`;
      throw new ProtocolError("truncated", message);
    }
    // A server may send less than was asked for (section 6.4); the rest comes before what follows.
    if (came.length < length) {
      this.#asked.unshift(this.#request(offset + came.length, length - came.length));
    }
    return came.pieces;
  }
}
