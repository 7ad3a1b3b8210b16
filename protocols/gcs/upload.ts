/**
 * A temporary file of Google's store: a session with the bytes it has kept, and those that it has not
 * been sent. Sessions cannot be listed, and their URLs let whoever knows them write, so they stay in
 * this process: what another one left is begun anew.
 */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { crc32c, crc32cBase64 } from "../objects/crc32c.ts";
import { PartRoom } from "../s3/part_room.ts";
import { CHUNK_UNIT_BYTES, type UploadSession } from "./session.ts";

/** Which file is written. */
export interface UploadFacts {
  readonly temp: string;
  /** The final name that it is begun for: a session is bound to it. */
  readonly name: string;
  readonly fileId: string;
  /** The generation that stood at the final name when this was begun, "0" for none. */
  readonly base: string;
  /** For messages. */
  readonly shown: string;
  /** Memory for chunks on their way, of all uploads of a process. */
  readonly room: PartRoom;
  /** Begins a session. */
  readonly begin: () => Promise<UploadSession>;
}

/** One temporary file, whoever has it open. */
export class GcsUpload {
  readonly facts: UploadFacts;
  /** The one request that publishes it was sent, and nobody has answered: it may still be carried out. */
  isUnresolved = false;
  readonly #chunkBytes = protocolLimits.gcsChunkBytes;
  #session: Promise<UploadSession> | null = null;
  #buffer = new Uint8Array(0);
  #pendingBytes = 0;
  /** Bytes that are sent or on their way. */
  #sentBytes = 0;
  #crc = 0;
  #sending: Promise<void> = Promise.resolve();
  #error: { readonly why: unknown } | null = null;
  #state: "standing" | "published" | "givenUp" = "standing";

  constructor(facts: UploadFacts) {
    this.facts = facts;
    if (this.#chunkBytes % CHUNK_UNIT_BYTES !== 0) {
      throw new ProtocolError("badEndpoint", "gcsChunkBytes is no multiple of 256 KiB");
    }
  }

  get size(): number {
    return this.#sentBytes + this.#pendingBytes;
  }

  /** Neither published nor given up. */
  get stands(): boolean {
    return this.#state === "standing";
  }

  get hasFailed(): boolean {
    return this.#error !== null;
  }

  get boundTo(): string | null {
    return this.isInMemory ? null : this.facts.name;
  }

  /** Nothing of it was sent. */
  get isInMemory(): boolean {
    return this.#session === null;
  }

  /** The bytes that were not sent, valid until the next write. */
  get pending(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#pendingBytes);
  }

  /** The CRC-32C of all bytes, in base64. */
  get crc(): string {
    return crc32cBase64(crc32c(this.pending, this.#crc));
  }

  /** Adds bytes at the end. The last chunk is held back: with it the object would be there. */
  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.assertStands("write to");
    this.#throwIfFailed();
    if (at !== this.size) {
      throw this.#refused(`write at ${at} of`, `it ends at ${this.size}, and is only added to`);
    }
    for (let from = 0; from < bytes.length;) {
      if (this.#pendingBytes === this.#chunkBytes) await this.#send();
      else from += this.#collect(bytes.subarray(from));
    }
  }

  /** Cuts it; of a session nothing can be taken back, so below what was sent only nothing is kept. */
  async truncate(size: number): Promise<void> {
    this.assertStands("cut");
    await this.settled();
    if (size > this.size) throw this.#refused("lengthen", "it has no gaps");
    if (size >= this.#sentBytes) {
      this.#pendingBytes = size - this.#sentBytes;
      return;
    }
    await this.#dropSession();
    this.#sentBytes = this.#pendingBytes = this.#crc = 0;
  }

  /** Resolves when every chunk that was sent is kept. */
  async settled(): Promise<void> {
    await this.#sending;
    this.#throwIfFailed();
  }

  /** The session, with all but the pending bytes in it. */
  async session(): Promise<UploadSession> {
    await this.settled();
    return await this.#session!;
  }

  /** Where the pending bytes begin. */
  get sentBytes(): number {
    return this.#sentBytes;
  }

  /** The object is there. */
  publish(): void {
    if (this.stands) this.#state = "published";
  }

  /** Takes it away from whoever writes it. */
  async giveUp(): Promise<void> {
    if (!this.stands) return;
    this.#state = "givenUp";
    await this.#sending;
    await this.#dropSession();
  }

  /** `notFound` if it was published or given up. */
  assertStands(verb: string): void {
    if (this.stands) return;
    const message =
      `cannot ${verb} ${this.facts.shown}: it is gone; a later attempt has taken over`;
    throw new ProtocolError("notFound", message);
  }

  #collect(bytes: Uint8Array): number {
    const count = Math.min(bytes.length, this.#chunkBytes - this.#pendingBytes);
    const needed = this.#pendingBytes + count;
    if (needed > this.#buffer.length) {
      const room = this.isInMemory ? Math.max(needed, this.#buffer.length * 2) : this.#chunkBytes;
      const larger = room >= this.#chunkBytes
        ? this.facts.room.memory(this.#chunkBytes)
        : new Uint8Array(room);
      larger.set(this.pending);
      this.#buffer = larger as Uint8Array<ArrayBuffer>;
    }
    this.#buffer.set(bytes.subarray(0, count), this.#pendingBytes);
    this.#pendingBytes = needed;
    return count;
  }

  /** One chunk is on its way while the next one gathers: the service takes them in order. */
  async #send(): Promise<void> {
    await this.settled();
    this.assertStands("write to");
    const { room } = this.facts;
    await room.enter(this.#pendingBytes);
    const bytes = this.pending;
    const memory = { bytes: this.#buffer };
    const start = this.#sentBytes;
    this.#session ??= this.facts.begin();
    const session = this.#session;
    this.#crc = crc32c(bytes, this.#crc);
    this.#sentBytes += bytes.length;
    this.#buffer = new Uint8Array(0);
    this.#pendingBytes = 0;
    this.#sending = session.then((begun) => begun.send(start, bytes))
      .then(() => room.leave(bytes.length, memory), (why: unknown) => {
        this.#error ??= { why };
        // The network may still read what was given up.
        room.leave(bytes.length, null);
      });
  }

  async #dropSession(): Promise<void> {
    const session = await this.#session?.catch(() => null) ?? null;
    this.#session = null;
    await session?.giveUp();
  }

  #throwIfFailed(): void {
    if (this.#error !== null) throw this.#error.why;
  }

  #refused(verb: string, reason: string): ProtocolError {
    return new ProtocolError("unsupported", `cannot ${verb} ${this.facts.shown}: ${reason}`);
  }
}

/** The temporary files of one process, by bucket, final name and temporary name. */
export class GcsUploads {
  readonly room = new PartRoom(protocolLimits.objectRoomBytes);
  readonly #uploads = new Map<string, GcsUpload>();

  get(key: string): GcsUpload | null {
    const upload = this.#uploads.get(key) ?? null;
    return upload?.stands === true ? upload : null;
  }

  /** Keeps one; where too much is in memory, what was begun first is forgotten. */
  set(key: string, upload: GcsUpload): void {
    this.#uploads.delete(key);
    this.#uploads.set(key, upload);
    for (const [other, { stands }] of this.#uploads) if (!stands) this.#uploads.delete(other);
    const { gcsUploadsKept } = protocolLimits;
    for (const [other] of this.#uploads) {
      if (this.#uploads.size <= gcsUploadsKept) return;
      this.#uploads.delete(other);
    }
  }

  delete(key: string): void {
    this.#uploads.delete(key);
  }

  clear(): void {
    this.#uploads.clear();
  }
}
