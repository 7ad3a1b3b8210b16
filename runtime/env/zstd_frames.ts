/** Where the frames of a zstd stream begin and end, and what their checksums are (RFC 8878, 3.1). */

import { CodecError } from "./codecs.ts";

const FRAME_MAGIC = 0xfd2f_b528;
const SKIPPABLE_MAGIC = 0x184d_2a50;
const RESERVED_BLOCK = 3;
const RUN_LENGTH_BLOCK = 1;

/** So many bytes to look at, or to pass over. */
interface Step {
  readonly bytes: number;
  readonly look: boolean;
}

/** The way through one frame, to its checksum if it has one. */
function* throughFrame(): Generator<Step, number | null, Uint8Array> {
  const magic = littleEndian(yield look(4));
  if (((magic & 0xffff_fff0) >>> 0) === SKIPPABLE_MAGIC) {
    yield pass(littleEndian(yield look(4)));
    return null;
  }
  if (magic !== FRAME_MAGIC) throw notZstd("a frame begins with other bytes");
  const descriptor = littleEndian(yield look(1));
  yield pass(headerBytes(descriptor));
  for (;;) {
    const header = littleEndian(yield look(3));
    const type = (header >> 1) & 3;
    if (type === RESERVED_BLOCK) throw notZstd("a block is of no known type");
    yield pass(type === RUN_LENGTH_BLOCK ? 1 : header >> 3);
    if ((header & 1) === 1) break;
  }
  const hasChecksum = (descriptor & 4) !== 0;
  return hasChecksum ? littleEndian(yield look(4)) : null;
}

/** Bytes between the descriptor of a frame and its first block. */
function headerBytes(descriptor: number): number {
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const window = isSingleSegment ? 0 : 1;
  const dictionary = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const contentSize = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] ?? 0;
  return window + dictionary + contentSize;
}

/** Follows a stream, piece by piece. */
export class ZstdFrames {
  #way: Generator<Step, number | null, Uint8Array> | null = null;
  #checksum: number | null = null;
  #isLook = false;
  #left = 0;
  #seen: number[] = [];

  /** Between two frames: a stream may end here. */
  get isBetween(): boolean {
    return this.#way === null;
  }

  /** The low half of XXH64 of the content of the frame that ended last; `null` where it has none. */
  get checksum(): number | null {
    return this.#checksum;
  }

  /** How many of these bytes belong to the frame in which they begin; at least one of one or more. */
  follow(bytes: Uint8Array): number {
    this.#way ??= this.#begin();
    let at = 0;
    while (at < bytes.length && this.#way !== null) {
      const count = Math.min(this.#left, bytes.length - at);
      if (this.#isLook) this.#seen.push(...bytes.subarray(at, at + count));
      this.#left -= count;
      at += count;
      // Steps of no bytes are passed at once.
      while (this.#left === 0 && this.#way !== null) this.#step(this.#way);
    }
    return at;
  }

  #begin(): Generator<Step, number | null, Uint8Array> {
    const way = throughFrame();
    this.#step(way);
    return way;
  }

  #step(way: Generator<Step, number | null, Uint8Array>): void {
    const { done, value } = way.next(Uint8Array.from(this.#seen));
    this.#seen = [];
    if (done === true) {
      this.#way = null;
      this.#checksum = value;
      return;
    }
    this.#isLook = value.look;
    this.#left = value.bytes;
  }
}

function look(bytes: number): Step {
  return { bytes, look: true };
}

function pass(bytes: number): Step {
  return { bytes, look: false };
}

function littleEndian(bytes: Uint8Array): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0);
}

function notZstd(why: string): CodecError {
  return new CodecError("damaged", `cannot decompress zstd: ${why}`);
}
