/** The bytes of a source by their position, read on from where the last read ended if that will do. */

import type { Fingerprint, Source, SourceFacts, SourceReader } from "../contract.ts";
import type { EncodedBytes } from "./frame_file.ts";

/** A gap up to here is read and thrown away rather than asked for anew. */
const SKIP_BYTES = 65_536;

/** One version of a source, for as long as `signal` lets it. */
export class SourceBytes implements EncodedBytes {
  readonly #source: Source;
  readonly #expected: Fingerprint | null;
  readonly #signal: AbortSignal;
  #reader: SourceReader | null = null;
  #at = 0;
  /** Where the open range ends. */
  #end: number | null = null;
  /** The version that the first range was of. */
  #facts: SourceFacts | null = null;

  constructor(source: Source, expected: Fingerprint | null, signal: AbortSignal) {
    this.#source = source;
    this.#expected = expected;
    this.#signal = signal;
  }

  /** Of the whole, as the first range told it. */
  get facts(): SourceFacts | null {
    return this.#facts;
  }

  async read(into: Uint8Array, at: number): Promise<number> {
    const reader = await this.#readerAt(at, null);
    const count = await reader.read(into);
    this.#at += count;
    return count;
  }

  /** Opens at the start, for no more than so many bytes. */
  async open(bytes: number | null): Promise<SourceFacts> {
    return (await this.#readerAt(0, bytes)).facts;
  }

  async confirm(): Promise<Fingerprint> {
    if (this.#reader !== null) return await this.#reader.confirm();
    return (await this.#source.stat(this.#signal)).fingerprint;
  }

  async close(): Promise<void> {
    const reader = this.#reader;
    this.#reader = null;
    await reader?.close();
  }

  async #readerAt(at: number, end: number | null): Promise<SourceReader> {
    const gap = at - this.#at;
    const ranges = this.#facts?.ranges ?? this.#source.capabilities.ranges;
    const isBehind = this.#end !== null && at >= this.#end;
    if (this.#reader === null || gap < 0 || isBehind || (gap > SKIP_BYTES && ranges)) {
      await this.close();
      const start = ranges ? at : 0;
      this.#end = ranges ? end : null;
      const range = { start, end: this.#end };
      const expected = this.#facts?.fingerprint ?? this.#expected;
      this.#reader = await this.#source.open(range, expected, this.#signal);
      this.#facts ??= this.#reader.facts;
      this.#at = start;
    }
    const reader = this.#reader;
    await this.#skip(reader, at);
    return reader;
  }

  async #skip(reader: SourceReader, to: number): Promise<void> {
    if (this.#at >= to) return;
    const room = new Uint8Array(Math.min(SKIP_BYTES, to - this.#at));
    while (this.#at < to) {
      const count = await reader.read(room.subarray(0, Math.min(room.length, to - this.#at)));
      if (count === 0) return;
      this.#at += count;
    }
  }
}
