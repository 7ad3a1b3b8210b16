/**
 * The chunk digests of one file, and their root.
 *
 * The digest of a chunk is the SHA-256 of the file from its start to the end of that chunk: the
 * running hash of the whole file, marked. So verifying a kept prefix and rebuilding the file's hash
 * are one pass, and every byte is hashed once (a second hash per chunk cost 0.7 s per GiB and core).
 * Stored as 32 bytes each; all zeros stand for a chunk that is not there yet (no input is known
 * whose SHA-256 is zero).
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Hashing } from "../../runtime/env/env.ts";

/** Bytes of one SHA-256. */
export const DIGEST_BYTES = 32;
const NONE = new Uint8Array(0);

/** A growing table of chunk digests. */
export class ChunkDigests {
  #bytes: Uint8Array;
  #count = 0;
  #contiguous = 0;

  constructor(bytes: Uint8Array = NONE) {
    assert(bytes.length % DIGEST_BYTES === 0, "chunk digests are 32 bytes each");
    this.#bytes = bytes.length === 0 ? NONE : bytes.slice();
    this.#count = bytes.length / DIGEST_BYTES;
  }

  /** One past the highest chunk that was set. */
  get count(): number {
    return this.#count;
  }

  has(chunk: number): boolean {
    if (chunk >= this.#count) return false;
    return this.#at(chunk).some((byte) => byte !== 0);
  }

  /** Chunks from the first on that are all there. */
  contiguous(): number {
    while (this.has(this.#contiguous)) this.#contiguous += 1;
    return this.#contiguous;
  }

  get(chunk: number): string {
    assert(this.has(chunk), `chunk ${chunk} has a digest`);
    return hex(this.#at(chunk));
  }

  set(chunk: number, digestHex: string): void {
    this.#grow(chunk + 1);
    const { read, written } = this.#at(chunk).setFromHex(digestHex);
    assert(read === 2 * DIGEST_BYTES && written === DIGEST_BYTES, "a SHA-256 has 32 bytes");
    this.#count = Math.max(this.#count, chunk + 1);
  }

  /** Forgets `chunk` and all after it. */
  cut(chunk: number): void {
    this.#count = Math.min(this.#count, chunk);
    this.#contiguous = Math.min(this.#contiguous, chunk);
    this.#bytes.fill(0, this.#count * DIGEST_BYTES);
  }

  /** A copy of the table of chunks `from` to `to`. */
  bytes(from = 0, to = this.#count): Uint8Array {
    return this.#bytes.slice(from * DIGEST_BYTES, Math.min(to, this.#count) * DIGEST_BYTES);
  }

  /** SHA-256 over all chunk digests in order: one value that fixes every chunk. */
  root(hash: Hashing): string {
    const hasher = hash.sha256();
    hasher.update(this.#bytes.subarray(0, this.#count * DIGEST_BYTES));
    return hasher.digestHex();
  }

  #at(chunk: number): Uint8Array {
    return this.#bytes.subarray(chunk * DIGEST_BYTES, (chunk + 1) * DIGEST_BYTES);
  }

  #grow(count: number): void {
    const wanted = count * DIGEST_BYTES;
    if (wanted <= this.#bytes.length) return;
    // Most files have one chunk.
    const larger = new Uint8Array(Math.max(wanted, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#bytes = larger;
  }
}

function hex(bytes: Uint8Array): string {
  return bytes.toHex();
}
