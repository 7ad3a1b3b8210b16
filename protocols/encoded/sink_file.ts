/** A temporary file that is written in frames: in order, from wherever its last whole frame ends. */

import { assert } from "../../runtime/base/assert.ts";
import type { SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { FRAME_BYTES, type FrameCodec, type FrameCoder } from "./coder.ts";
import { damaged, type Frame, FrameFile } from "./frame_file.ts";

/** What the sink under a file can do. */
export interface FileAbilities {
  /** Write over what it has. */
  readonly rewrites: boolean;
  readonly readBack: boolean;
}

/**
 * Bytes that fill no frame yet are held here. `sync` writes them as a frame for the time being, which
 * the next one replaces: only on sinks that can write over what they have.
 */
export class EncodedFile implements SinkFile {
  readonly temp: string;
  readonly fileId: string | null;
  /** What the inner sink opened, and takes back when it publishes. */
  readonly inner: SinkFile;
  readonly #coder: FrameCoder;
  readonly #codec: FrameCodec;
  readonly #frames: FrameFile;
  readonly #abilities: FileAbilities;
  #isClosed = false;
  /** Number and place of the frame that is being filled. */
  #index = 0;
  #at: number;
  readonly #pending: Uint8Array = new Uint8Array(FRAME_BYTES);
  #pendingBytes = 0;
  /** The frame that stands at `#at`, written for the time being or as the last one. */
  #written: { readonly plainBytes: number; readonly final: boolean } | null = null;

  private constructor(
    inner: SinkFile,
    coder: FrameCoder,
    codec: FrameCodec,
    abilities: FileAbilities,
  ) {
    this.temp = inner.temp;
    this.fileId = inner.fileId;
    this.inner = inner;
    this.#coder = coder;
    this.#codec = codec;
    this.#abilities = abilities;
    this.#frames = new FrameFile(inner, coder, codec);
    this.#at = coder.headBytes;
  }

  /** A file without frames. */
  static async begin(
    inner: SinkFile,
    coder: FrameCoder,
    abilities: FileAbilities,
  ): Promise<EncodedFile> {
    const { head, codec } = await coder.begin();
    if (head.length > 0) await inner.write(head, 0);
    return new EncodedFile(inner, coder, codec, abilities);
  }

  /** Goes on behind the last whole frame of an earlier attempt. */
  static async resume(
    inner: SinkFile,
    coder: FrameCoder,
    codec: FrameCodec,
  ): Promise<EncodedFile> {
    const file = new EncodedFile(inner, coder, codec, { rewrites: true, readBack: true });
    await file.#standAt(await file.#lastWhole(await inner.size()));
    return file;
  }

  get boundTo(): string | null {
    return this.inner.boundTo ?? null;
  }

  // deno-lint-ignore require-await -- a closed file rejects
  async size(): Promise<number> {
    this.#assertOpen("measure");
    return this.#size;
  }

  async write(bytes: Uint8Array, at: number): Promise<void> {
    this.#assertOpen("write to");
    if (at !== this.#size) {
      throw new ProtocolError(
        "unsupported",
        `cannot write at ${at} of ${this.temp}: a ${this.#coder.name} file is written in order, ` +
          `and this one has ${this.#size} bytes`,
      );
    }
    for (let done = 0; done < bytes.length;) {
      const room = Math.min(FRAME_BYTES - this.#pendingBytes, bytes.length - done);
      this.#pending.set(bytes.subarray(done, done + room), this.#pendingBytes);
      this.#pendingBytes += room;
      done += room;
      if (this.#pendingBytes === FRAME_BYTES) await this.#endFrame();
    }
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    this.#assertOpen("read from");
    // Who cannot be asked says so itself.
    if (!this.#abilities.readBack) return await this.inner.read(into, at);
    const index = Math.floor(at / FRAME_BYTES);
    const from = at % FRAME_BYTES;
    if (index > this.#index) return 0;
    const plain = index === this.#index
      ? this.#pending.subarray(0, this.#pendingBytes)
      : await this.#decode(index);
    const part = plain.subarray(from, from + into.length);
    into.set(part);
    return part.length;
  }

  async truncate(size: number): Promise<void> {
    this.#assertOpen("cut");
    assert(size <= this.#size, "a temporary file is cut, never stretched");
    const index = Math.floor(size / FRAME_BYTES);
    const keep = size % FRAME_BYTES;
    if (index < this.#index) {
      const frame = await this.#frame(index);
      if (keep > 0) this.#pending.set((await this.#decode(index)).subarray(0, keep));
      this.#index = index;
      this.#at = frame.at;
    }
    this.#pendingBytes = keep;
    this.#written = null;
    this.#frames.forgetFrom(index);
    await this.inner.truncate(this.#at);
  }

  async sync(): Promise<void> {
    this.#assertOpen("sync");
    if (this.#abilities.rewrites && this.#pendingBytes > 0) {
      await this.#put(false);
    }
    await this.inner.sync();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.inner.close();
  }

  /** Writes the last frame: nothing may be written any more. */
  async finish(): Promise<void> {
    const { marksEnd } = this.#coder;
    // A format that marks its end has an empty last frame where the file ends with a full one.
    if (this.#pendingBytes === 0 && this.#index > 0 && !marksEnd) return;
    const written = this.#written;
    const isThere = written?.plainBytes === this.#pendingBytes && (written.final || !marksEnd);
    if (!isThere) await this.#put(true);
  }

  /** What a published file is told to have: `null` where it will not tell later either. */
  get plainBytes(): number | null {
    return this.#codec.fullFrameBytes === null ? null : this.#size;
  }

  #assertOpen(action: string): void {
    if (!this.#isClosed) return;
    const message = `cannot ${action} ${this.temp}: the file is closed; open it again`;
    throw new ProtocolError("io", message, { retryable: false });
  }

  get #size(): number {
    return this.#index * FRAME_BYTES + this.#pendingBytes;
  }

  async #endFrame(): Promise<void> {
    const bytes = await this.#put(false);
    this.#frames.forgetFrom(this.#index);
    this.#index += 1;
    this.#at += bytes;
    this.#pendingBytes = 0;
    this.#written = null;
  }

  /** Writes what is pending in the place of what stands there, which may have been longer; its length. */
  async #put(final: boolean): Promise<number> {
    const plainBytes = this.#pendingBytes;
    const plain = this.#pending.subarray(0, plainBytes);
    const frame = await this.#codec.encode(plain, this.#index, final);
    if (this.#written !== null) await this.inner.truncate(this.#at);
    this.#written = null;
    await this.inner.write(frame, this.#at);
    this.#written = { plainBytes, final };
    return frame.length;
  }

  async #frame(index: number): Promise<Frame> {
    const frame = await this.#frames.find(index);
    if (frame === null) throw damaged(this.#coder.name, index);
    return frame;
  }

  async #decode(index: number): Promise<Uint8Array> {
    const plain = await this.#frames.decode(await this.#frame(index));
    if (plain === null) throw damaged(this.#coder.name, index);
    return plain;
  }

  /** The last frame that is all there. */
  async #lastWhole(size: number): Promise<Frame | null> {
    const { fullFrameBytes } = this.#codec;
    const frames = (size - this.#coder.headBytes) / (fullFrameBytes ?? Infinity);
    const from = Math.max(0, Math.floor(frames) - 1);
    let whole: Frame | null = null;
    let next = await this.#frames.find(from);
    while (next !== null && next.end <= size) {
      whole = next;
      // Frames that are not full come last.
      if (next.plainBytes < FRAME_BYTES) break;
      next = await this.#frames.after(next);
    }
    return whole;
  }

  async #standAt(frame: Frame | null): Promise<void> {
    if (frame === null) return;
    if (frame.plainBytes === FRAME_BYTES) {
      this.#index = frame.index + 1;
      this.#at = frame.end;
      return;
    }
    this.#index = frame.index;
    this.#at = frame.at;
    const plain = await this.#frames.decode(frame);
    if (plain === null) return;
    this.#pending.set(plain);
    this.#pendingBytes = plain.length;
    this.#written = frame;
    this.#frames.forgetFrom(frame.index);
  }
}
