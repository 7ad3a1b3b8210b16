/** An open temporary file of an SFTP server. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { HeldSession } from "../sessions.ts";
import type { SftpSession } from "./session.ts";

/** What a file needs of its sink. */
export interface SinkFileParts {
  readonly held: HeldSession<SftpSession>;
  readonly handle: Uint8Array;
  readonly temp: string;
  /** For messages. */
  readonly shown: string;
  /** A failure of this write, or the full disk that is behind it. */
  readonly explained: (error: unknown) => Promise<unknown>;
}

/**
 * Writes run ahead of their answers, so that a round trip does not stop the next one: a failure is told
 * by a later call, at the latest by `sync`, `size` or publishing.
 */
export class SftpSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId = null;
  readonly #parts: SinkFileParts;
  #flyingBytes = 0;
  /** Who waits for an answer to a write. */
  #waiting: (() => void)[] = [];
  #error: { readonly why: unknown } | null = null;
  #closing: Promise<void> | null = null;

  constructor(parts: SinkFileParts) {
    this.temp = parts.temp;
    this.#parts = parts;
  }

  get session(): SftpSession {
    return this.#parts.held.session;
  }

  get handle(): Uint8Array {
    return this.#parts.handle;
  }

  async size(): Promise<number> {
    await this.settled();
    return (await this.session.statHandle(this.handle)).size ?? 0;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertOpen("write to");
    const { writeBytes } = this.session;
    for (let from = 0; from < bytes.length; from += writeBytes) {
      while (this.#flyingBytes >= protocolLimits.sftpWindowBytes) await this.#landing();
      if (this.#error !== null) await this.#throwIfFailed();
      this.#fly(bytes.subarray(from, from + writeBytes), at + from);
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    await this.settled();
    return await readFully(this.session, this.handle, into, at);
  }

  async truncate(size: number): Promise<void> {
    await this.settled();
    await this.session.change(this.handle, { size });
  }

  async sync(): Promise<void> {
    await this.settled();
    if (this.session.has("fsync")) await this.session.sync(this.handle);
  }

  /** Resolves when every write was answered; throws what one of them met. */
  async settled(): Promise<void> {
    this.#assertOpen("use");
    while (this.#flyingBytes > 0) await this.#landing();
    await this.#throwIfFailed();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    while (this.#flyingBytes > 0) await this.#landing();
    await this.session.close(this.handle).catch(() => {});
    this.#parts.held.release();
  }

  #fly(bytes: Uint8Array, at: number): void {
    // Who wrote them may give their memory away before the answer comes: they have no length then.
    const { length } = bytes;
    this.#flyingBytes += length;
    const landed = () => {
      this.#flyingBytes -= length;
      const waiting = this.#waiting;
      this.#waiting = [];
      for (const wake of waiting) wake();
    };
    this.session.write(this.handle, at, bytes).then(landed, (why: unknown) => {
      this.#error ??= { why };
      landed();
    });
  }

  #landing(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  async #throwIfFailed(): Promise<void> {
    if (this.#error !== null) throw await this.#parts.explained(this.#error.why);
  }

  #assertOpen(verb: string): void {
    if (this.#closing === null) return;
    throw new ProtocolError("io", `cannot ${verb} ${this.#parts.shown}: it was closed`);
  }
}

/** Fills `into` with what stands from `at` on, all requests at once; fewer bytes mean the end. */
export async function readFully(
  session: SftpSession,
  handle: Uint8Array,
  into: Uint8Array,
  at: number,
): Promise<number> {
  const { readBytes } = session;
  const asked: Promise<number>[] = [];
  for (let from = 0; from < into.length; from += readBytes) {
    asked.push(readPart(session, handle, into.subarray(from, from + readBytes), at + from));
  }
  let count = 0;
  for (const part of await Promise.all(asked)) {
    count += part;
    if (part < readBytes) break;
  }
  return count;
}

/** A server may send less than was asked for (section 6.4 of the draft). */
async function readPart(
  session: SftpSession,
  handle: Uint8Array,
  into: Uint8Array,
  at: number,
): Promise<number> {
  for (let count = 0;;) {
    const came = await session.read(handle, at + count, into.length - count);
    if (came === null) return count;
    for (const piece of came.pieces) {
      into.set(piece, count);
      count += piece.length;
    }
    if (count === into.length) return count;
  }
}
