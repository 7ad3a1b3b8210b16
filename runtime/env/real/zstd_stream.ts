/**
 * Decompressing a zstd stream by `npm:fzstd`: the decoder of Deno 2.9 stops behind the first frame, takes
 * a stream that was cut for one that ended, and throws where nobody can catch it (all measured); fzstd does
 * none of that, but looks at no checksum, so we do.
 */

import { Decompress } from "fzstd";
import xxhash from "xxhash-wasm";
import { CodecError } from "../codecs.ts";
import { ZstdFrames } from "../zstd_frames.ts";

const LOW_HALF = 0xffff_ffffn;

/** The content of all frames. */
export async function* inflateZstd(
  pieces: AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, void> {
  // When it is needed: a Worker loses what it is sent while its modules wait.
  const { create64 } = await xxhash();
  const frames = new ZstdFrames();
  let decoder = new FrameDecoder(create64());
  let isEmpty = true;
  for await (const piece of pieces) {
    for (let rest = piece; rest.length > 0;) {
      const bytes = frames.follow(rest);
      yield* decoder.push(rest.subarray(0, bytes), frames.isBetween);
      rest = rest.subarray(bytes);
      isEmpty = false;
      if (!frames.isBetween) continue;
      decoder.check(frames.checksum);
      decoder = new FrameDecoder(create64());
    }
  }
  if (isEmpty || !frames.isBetween) {
    throw new CodecError("truncated", "cannot decompress zstd: the stream ends within a frame");
  }
}

/** One frame. */
class FrameDecoder {
  readonly #hash: { update(bytes: Uint8Array): unknown; digest(): bigint };
  readonly #decoder: Decompress;
  #out: Uint8Array[] = [];

  constructor(hash: { update(bytes: Uint8Array): unknown; digest(): bigint }) {
    this.#hash = hash;
    this.#decoder = new Decompress((bytes) => this.#out.push(bytes));
  }

  push(bytes: Uint8Array, isLast: boolean): readonly Uint8Array[] {
    this.#out = [];
    try {
      this.#decoder.push(bytes, isLast);
    } catch (cause) {
      throw new CodecError("damaged", "cannot decompress zstd: a frame is damaged", { cause });
    }
    for (const part of this.#out) this.#hash.update(part);
    return this.#out;
  }

  check(checksum: number | null): void {
    if (checksum === null || Number(this.#hash.digest() & LOW_HALF) === checksum) return;
    throw new CodecError("damaged", "cannot decompress zstd: a frame has another checksum");
  }
}
