/** An open temporary file of Azure Blob: blocks that were sent, and the bytes of the next one. */

import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import { md5, type RunningMd5 } from "../objects/md5.ts";
import type { PartRoom } from "../s3/part_room.ts";
import { type Block, blockEnd, BLOCKS_MAX, type UploadId } from "./blocks.ts";

/** What a file needs of its sink. */
export interface SinkFileParts {
  readonly temp: string;
  readonly upload: UploadId;
  /** The final name that it is begun for: its blocks belong to it. */
  readonly name: string;
  /** For messages. */
  readonly shown: string;
  /** Bytes of the first blocks. */
  readonly blockBytes: number;
  /** The blob that stood at the final name when this was begun. */
  readonly baseEtag: string | null;
  /** Memory for blocks on their way, of all files of a process. */
  readonly room: PartRoom;
  /** Sends one block; it may use `bytes` until it settles. */
  readonly put: (start: number, bytes: Uint8Array) => Promise<void>;
}

/** Where a file stands: enough to open it again. */
export interface SinkFileState {
  readonly blocks: readonly Block[];
  readonly pending: Uint8Array;
}

/**
 * Blocks are sent as they become full, several at once; a failure is told by a later call. What is not
 * a full block yet is in memory only: `sync` waits for the blocks before it, and closing a file that was
 * synced sends it too. A file that never fills a block is published by one request.
 */
export class AzureSinkFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string;
  readonly parts: SinkFileParts;
  /** The request that publishes it was sent, and nobody has answered: it may still be carried out. */
  isUnresolved = false;
  readonly #blocks: Block[];
  readonly #flying = new Set<Promise<void>>();
  #flyingBytes = 0;
  #buffer: Uint8Array;
  #pendingBytes: number;
  /** Where the pending bytes begin. */
  #sentTo: number;
  /** Of all bytes that were sent; `null` once some of them were not seen here. */
  #whole: RunningMd5 | null;
  #error: { readonly why: unknown } | null = null;
  #wasSynced = false;
  #state: "open" | "closed" | "published" | "givenUp" = "open";

  constructor(parts: SinkFileParts, { blocks, pending }: SinkFileState) {
    this.temp = parts.temp;
    this.fileId = parts.upload;
    this.parts = parts;
    this.#blocks = [...blocks];
    this.#buffer = pending;
    this.#pendingBytes = pending.length;
    this.#sentTo = blocks.reduce((sum, { bytes }) => sum + bytes, 0);
    this.#whole = blocks.length === 0 ? md5() : null;
  }

  get boundTo(): string | null {
    return this.isInMemory ? null : this.parts.name;
  }

  /** Nothing of it was sent. */
  get isInMemory(): boolean {
    return this.#blocks.length === 0;
  }

  /** Neither published nor given up: it can be opened again. */
  get stands(): boolean {
    return this.#state === "open" || this.#state === "closed";
  }

  /** The blocks in order; all of the file once it was flushed. */
  get blocks(): readonly Block[] {
    return this.#blocks;
  }

  /** The bytes that were not sent, valid until the next write. */
  get pending(): Uint8Array {
    return this.#buffer.subarray(0, this.#pendingBytes);
  }

  get position(): number {
    return this.#sentTo + this.#pendingBytes;
  }

  /** A block was not taken: what the file has is what the service has of it. */
  get hasFailed(): boolean {
    return this.#error !== null;
  }

  /** For the next one to open it. */
  state(): SinkFileState {
    return { blocks: [...this.#blocks], pending: this.pending.slice() };
  }

  /** The MD5 of the whole, in base64, where all of it was seen; once. */
  takeMd5(): string | null {
    const whole = this.#whole;
    this.#whole = null;
    return whole?.digestBase64() ?? null;
  }

  size(): Promise<number> {
    return this.#checked("look at", () => Promise.resolve(this.position));
  }

  write(bytes: Uint8Array, at: number): Promise<void> {
    return this.#checked("write to", async () => {
      if (at !== this.position) {
        throw this.#refused(
          `write at ${at} of`,
          `it ends at ${this.position}, and is only added to`,
        );
      }
      for (let from = 0; from < bytes.length;) {
        const blockBytes = blockEnd(this.#sentTo, this.parts.blockBytes) - this.#sentTo;
        // A full block waits for one more byte: so a file of one block is published by one request.
        if (this.#pendingBytes === blockBytes) await this.#send();
        else from += this.#collect(bytes.subarray(from), blockBytes);
      }
    });
  }

  read(): Promise<number> {
    return Promise.reject(
      this.#refused("read back", "blocks can be read once they are published, not before"),
    );
  }

  /** Cuts it at `size`, or where the block before it ends: what was sent cannot be cut. */
  truncate(size: number): Promise<void> {
    return this.#checked("cut", async () => {
      await this.settled();
      if (size > this.position) throw this.#refused("lengthen", "it has no gaps");
      if (size >= this.#sentTo) {
        this.#pendingBytes = size - this.#sentTo;
        return;
      }
      for (; size < this.#sentTo; this.#whole = null) this.#sentTo -= this.#blocks.pop()!.bytes;
      this.#pendingBytes = 0;
      if (this.isInMemory) this.#whole = md5();
    });
  }

  sync(): Promise<void> {
    return this.#checked("sync", async () => {
      this.#wasSynced = true;
      await this.settled();
    });
  }

  /** Sends the last block, however short, and waits for all of them. */
  async flush(): Promise<void> {
    if (this.#pendingBytes > 0) await this.#send();
    await this.settled();
  }

  /** Resolves when every block that was sent was answered; throws what one of them met. */
  async settled(): Promise<void> {
    await Promise.all(this.#flying);
    this.#throwIfFailed();
  }

  async close(): Promise<void> {
    if (this.#state !== "open") return;
    this.#state = "closed";
    try {
      // Who synced may want to go on after a restart: then memory is not where the rest should be.
      if (this.#wasSynced && this.#error === null) await this.flush();
    } catch (thrown) {
      this.#error ??= { why: thrown };
    }
    await Promise.all(this.#flying);
  }

  /** Ends it without sending more: `stands` no longer holds, but where it is only closed. */
  async end(how: "published" | "givenUp" | "closed"): Promise<void> {
    if (this.stands) this.#state = how;
    await Promise.all(this.#flying);
  }

  /** `notFound` if it was removed or published, `io` if it is closed. */
  assertOpen(verb: string): void {
    if (this.#state === "open") return;
    const code = this.#state === "closed" ? "io" : "notFound";
    const what = this.#state === "closed" ? "it is closed" : "it is gone";
    throw new ProtocolError(code, `cannot ${verb} ${this.parts.shown}: ${what}`, {
      retryable: false,
    });
  }

  #collect(bytes: Uint8Array, blockBytes: number): number {
    const count = Math.min(bytes.length, blockBytes - this.#pendingBytes);
    const needed = this.#pendingBytes + count;
    if (needed > this.#buffer.length) {
      const isFirst = this.isInMemory && this.#flying.size === 0;
      const room = isFirst ? Math.max(needed, this.#buffer.length * 2) : blockBytes;
      const larger = room >= blockBytes ? this.parts.room.memory(blockBytes) : new Uint8Array(room);
      larger.set(this.pending);
      this.#buffer = larger;
    }
    this.#buffer.set(bytes.subarray(0, count), this.#pendingBytes);
    this.#pendingBytes = needed;
    return count;
  }

  async #send(): Promise<void> {
    if (this.#blocks.length >= BLOCKS_MAX) {
      throw this.#refused(
        "write on",
        `${BLOCKS_MAX} blocks are the most; declare larger ones as blockMiB`,
      );
    }
    const { objectInFlightBytes } = protocolLimits;
    while (this.#flying.size > 0 && this.#flyingBytes + this.#pendingBytes > objectInFlightBytes) {
      await Promise.race(this.#flying);
    }
    await this.parts.room.enter(this.#pendingBytes);
    const bytes = this.pending;
    const memory = this.#buffer;
    if (this.#error !== null) this.parts.room.leave(bytes.length, null);
    this.#throwIfFailed();
    const start = this.#sentTo;
    this.#whole?.update(bytes);
    this.#blocks.push({ start, bytes: bytes.length });
    this.#sentTo += bytes.length;
    this.#buffer = new Uint8Array(0);
    this.#pendingBytes = 0;
    this.#fly(start, bytes, { bytes: memory });
  }

  #fly(start: number, bytes: Uint8Array, memory: { bytes: Uint8Array }): void {
    let landed: typeof memory | null = null;
    const flight = this.parts.put(start, bytes)
      .then(() => void (landed = memory))
      .catch((why: unknown) => void (this.#error ??= { why }))
      .finally(() => {
        this.#flying.delete(flight);
        this.#flyingBytes -= bytes.length;
        // What was given up may still be read by the network: its memory is not used again.
        this.parts.room.leave(bytes.length, landed);
      });
    this.#flying.add(flight);
    this.#flyingBytes += bytes.length;
  }

  async #checked<T>(verb: string, act: () => Promise<T>): Promise<T> {
    this.assertOpen(verb);
    this.#throwIfFailed();
    return await act();
  }

  #throwIfFailed(): void {
    if (this.#error !== null) throw this.#error.why;
  }

  #refused(verb: string, reason: string): ProtocolError {
    return new ProtocolError("unsupported", `cannot ${verb} ${this.parts.shown}: ${reason}`);
  }
}
