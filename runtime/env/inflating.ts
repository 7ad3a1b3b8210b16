/** What the inflaters of the real and the simulated side share. */

import { CodecError, type Compression, type Inflater } from "./codecs.ts";

/** Bytes that are asked for at a time. */
const PULL_BYTES = 65_536;

type Pull = (into: Uint8Array) => Promise<number>;

/** Decompresses all members or frames of a stream. */
export type Inflate = (pieces: AsyncGenerator<Uint8Array, void, void>) => AsyncIterable<Uint8Array>;

/** An inflater of whole streams. */
export function inflaterOf(format: Compression, pull: Pull, inflate: Inflate): Inflater {
  return new PieceReader(format, inflate(pieces(pull))[Symbol.asyncIterator]());
}

/** A zlib or zstd error in our terms; others as they are. */
export function codecErrorOf(format: Compression, error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof CodecError) return error;
  const { code } = error as { code?: unknown };
  const isCodec = /^Z_|^ERR_BUFFER_TOO_LARGE$/.test(String(code)) || /^Zstd /.test(error.message);
  if (!isCodec) return error;
  const why = code === "ERR_BUFFER_TOO_LARGE"
    ? "tooLarge"
    : code === "Z_BUF_ERROR"
    ? "truncated"
    : "damaged";
  return new CodecError(why, `cannot decompress ${format}: ${error.message}`, { cause: error });
}

async function* pieces(pull: Pull): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    const buffer = new Uint8Array(PULL_BYTES);
    const count = await pull(buffer);
    if (count === 0) return;
    yield buffer.subarray(0, count);
  }
}

/** Pieces of any length, read by the buffer. */
class PieceReader implements Inflater {
  readonly #format: Compression;
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(format: Compression, pieces: AsyncIterator<Uint8Array>) {
    this.#format = format;
    this.#pieces = pieces;
  }

  async read(into: Uint8Array): Promise<number> {
    while (this.#rest.length === 0) {
      const next = await this.#next();
      if (next.done === true) return 0;
      this.#rest = next.value;
    }
    const count = Math.min(into.length, this.#rest.length);
    into.set(this.#rest.subarray(0, count));
    this.#rest = this.#rest.subarray(count);
    return count;
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #next(): Promise<IteratorResult<Uint8Array>> {
    try {
      return await this.#pieces.next();
    } catch (error) {
      throw codecErrorOf(this.#format, error);
    }
  }
}
