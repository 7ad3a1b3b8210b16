/**
 * Which running hashes a lane's segments go to.
 *
 * Every byte is wanted twice, in its chunk and in the file. As long as the file consists of its first
 * chunk only, both hashes have the same state, so the first chunk is hashed once and forked when the
 * ways part: files of one chunk cost one hash, not two.
 */

import { assert } from "../base/assert.ts";

/** A running hash; `besideFile` says that it was forked from the file's and must live where that one does. */
export interface LaneStream {
  readonly id: number;
  readonly besideFile: boolean;
}

/** What a segment means: first perhaps a fork of the file's hash, then the hashes that take its bytes. */
export interface LaneStep {
  readonly fork: LaneStream | null;
  readonly into: readonly LaneStream[];
}

/** The bookkeeping of one lane; holds no bytes and hashes nothing. */
export class LaneStreams {
  readonly file: LaneStream;
  readonly #allocate: () => number;
  readonly #chunks = new Map<number, LaneStream>();
  /** The chunk that is still equal to the file; `null` once there is none. */
  #leading: number | null | undefined = undefined;

  constructor(allocate: () => number) {
    this.#allocate = allocate;
    this.file = { id: allocate(), besideFile: true };
  }

  /** A segment of `chunk` (of none if `null`), also the file's next bytes where `file`. */
  feed(chunk: number | null, file: boolean): LaneStep {
    if (this.#leading === undefined && file) {
      this.#leading = chunk === null || this.#chunks.has(chunk) ? null : chunk;
    }
    if (chunk !== null && this.#leading === chunk && file) return { fork: null, into: [this.file] };
    const touchesLeading = typeof this.#leading === "number" && (file || this.#leading === chunk);
    const fork = touchesLeading ? this.#part() : null;
    const into = file ? [this.file] : [];
    if (chunk !== null) into.push(this.#own(chunk));
    return { fork, into };
  }

  /** Where the chunk's digest is; `keep` if that hash goes on as the file's. */
  endChunk(chunk: number): { stream: LaneStream; keep: boolean } {
    if (this.#leading === chunk) {
      this.#leading = null;
      return { stream: this.file, keep: true };
    }
    const stream = this.#own(chunk);
    this.#chunks.delete(chunk);
    return { stream, keep: false };
  }

  /** Every hash that is still running. */
  all(): LaneStream[] {
    return [this.file, ...this.#chunks.values()];
  }

  #part(): LaneStream {
    assert(typeof this.#leading === "number", "only a leading chunk parts from the file");
    const stream = { id: this.#allocate(), besideFile: true };
    this.#chunks.set(this.#leading, stream);
    this.#leading = null;
    return stream;
  }

  #own(chunk: number): LaneStream {
    const known = this.#chunks.get(chunk);
    if (known !== undefined) return known;
    const stream = { id: this.#allocate(), besideFile: false };
    this.#chunks.set(chunk, stream);
    return stream;
  }
}
