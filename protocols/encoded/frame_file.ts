/** Finding and reading the frames of a file: where the one with a given number begins, what is in it. */

import { ProtocolError } from "../errors.ts";
import { FRAME_BYTES, type FrameCodec, type FrameCoder, type FramePrefix } from "./coder.ts";

/** Encoded bytes by their position. */
export interface EncodedBytes {
  /** Reads up to `into.length` bytes; 0 at the end. */
  read(into: Uint8Array, at: number): Promise<number>;
}

/** A frame that was found. */
export interface Frame extends FramePrefix {
  readonly index: number;
  /** Where its prefix begins, and where the next frame would. */
  readonly at: number;
  readonly end: number;
  readonly prefix: Uint8Array;
}

/** One position is kept of this many frames: 8 bytes for 64 MiB of a file. */
const FRAMES_PER_MARK = 64;

/** The frames of one encoded file; positions that were found are kept, sparsely. */
export class FrameFile {
  readonly #bytes: EncodedBytes;
  readonly #coder: FrameCoder;
  readonly codec: FrameCodec;
  /** Where every 64th frame begins, as far as was looked. */
  readonly #marks: number[];
  /** The last frame that was decoded: reading goes on in it. */
  #decoded: { readonly index: number; readonly plain: Uint8Array } | null = null;

  constructor(bytes: EncodedBytes, coder: FrameCoder, codec: FrameCodec) {
    this.#bytes = bytes;
    this.#coder = coder;
    this.codec = codec;
    this.#marks = [coder.headBytes];
  }

  /** The frame of that number; `null` where the file has no whole prefix there. */
  async find(index: number): Promise<Frame | null> {
    const { headBytes } = this.#coder;
    const { fullFrameBytes } = this.codec;
    if (fullFrameBytes !== null) return await this.#at(index, headBytes + index * fullFrameBytes);
    const mark = Math.min(Math.floor(index / FRAMES_PER_MARK), this.#marks.length - 1);
    let frame = await this.#at(mark * FRAMES_PER_MARK, this.#marks[mark] ?? headBytes);
    while (frame !== null && frame.index < index) frame = await this.after(frame);
    return frame;
  }

  /** The frame behind; `null` where there is no whole prefix. */
  async after(frame: Frame): Promise<Frame | null> {
    return await this.#at(frame.index + 1, frame.end);
  }

  /** Its plain bytes; `null` if it is damaged or not all there. */
  async decode(frame: Frame): Promise<Uint8Array | null> {
    if (this.#decoded?.index === frame.index) return this.#decoded.plain;
    const { prefix, restBytes } = frame;
    const bytes = new Uint8Array(prefix.length + restBytes);
    bytes.set(prefix);
    const rest = bytes.subarray(prefix.length);
    if (await readFully(this.#bytes, rest, frame.at + prefix.length) < restBytes) return null;
    const plain = await this.codec.decode(bytes, frame.index);
    if (plain === null || plain.length !== frame.plainBytes) return null;
    this.#decoded = { index: frame.index, plain };
    return plain;
  }

  /** From here on nothing that was found holds any more. */
  forgetFrom(index: number): void {
    if (this.#decoded !== null && this.#decoded.index >= index) this.#decoded = null;
    this.#marks.length = Math.min(this.#marks.length, Math.floor(index / FRAMES_PER_MARK) + 1);
  }

  async #at(index: number, at: number): Promise<Frame | null> {
    const prefix = new Uint8Array(this.#coder.prefixBytes);
    if (await readFully(this.#bytes, prefix, at) < prefix.length) return null;
    const told = this.codec.parse(prefix);
    if (told === null) return null;
    if (index === this.#marks.length * FRAMES_PER_MARK) this.#marks.push(at);
    return { ...told, index, at, end: at + prefix.length + told.restBytes, prefix };
  }
}

/** Fills `into` as far as there are bytes. */
export async function readFully(
  bytes: EncodedBytes,
  into: Uint8Array,
  at: number,
): Promise<number> {
  let done = 0;
  while (done < into.length) {
    const count = await bytes.read(into.subarray(done), at + done);
    if (count === 0) break;
    done += count;
  }
  return done;
}

/** What a frame that cannot be decoded means for who wanted its bytes. */
export function damaged(name: string, index: number): ProtocolError {
  return new ProtocolError(
    "badResponse",
    `cannot decode a ${name} file: what begins at byte ${index * FRAME_BYTES} of its content is ` +
      "damaged, or of another file; take a copy that is whole",
    { retryable: false },
  );
}

/** The file ends before the frame with that number does. */
export function cutOff(name: string, index: number): ProtocolError {
  return new ProtocolError(
    "truncated",
    `cannot decode a ${name} file: it ends after ${
      index * FRAME_BYTES
    } bytes of its content, and ` +
      "says that there are more; take a copy that is whole",
    { retryable: false },
  );
}
