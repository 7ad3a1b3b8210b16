/** A hash lane on the calling thread: for simulation and for buffers that threads cannot share. */

import { assert } from "../base/assert.ts";
import type { Hasher, HashLane } from "./env.ts";
import { HashError } from "./hash_error.ts";
import { LaneStreams } from "./lane_streams.ts";
import { sha256 } from "./sha256.ts";

/** Hashes every segment before `feed` returns. */
export class InlineLane implements HashLane {
  readonly #streams: LaneStreams;
  readonly #hashers = new Map<number, Hasher>();
  #state: "open" | "ended" | "aborted" = "open";

  constructor() {
    let next = 0;
    this.#streams = new LaneStreams(() => next++);
  }

  feed(segment: Uint8Array, into: { chunk: number | null; file: boolean }): Promise<void> {
    if (this.#state === "aborted") return Promise.reject(aborted());
    assert(this.#state === "open", "a hash lane takes no bytes after endFile");
    const step = this.#streams.feed(into.chunk, into.file);
    if (step.fork !== null) {
      this.#hashers.set(step.fork.id, this.#hasher(this.#streams.file.id).copy());
    }
    for (const stream of step.into) this.#hasher(stream.id).update(segment);
    return Promise.resolve();
  }

  endChunk(chunk: number): Promise<string> {
    if (this.#state === "aborted") return Promise.reject(aborted());
    assert(this.#state === "open", "chunks of a hash lane end before the file does");
    const { stream, keep } = this.#streams.endChunk(chunk);
    const hasher = this.#hasher(stream.id);
    if (keep) return Promise.resolve(hasher.copy().digestHex());
    this.#hashers.delete(stream.id);
    return Promise.resolve(hasher.digestHex());
  }

  endFile(): Promise<string> {
    if (this.#state === "aborted") return Promise.reject(aborted());
    assert(this.#state === "open", "a hash lane ends once");
    this.#state = "ended";
    const digest = this.#hasher(this.#streams.file.id).digestHex();
    this.#hashers.clear();
    return Promise.resolve(digest);
  }

  abort(): void {
    this.#state = "aborted";
    this.#hashers.clear();
  }

  #hasher(id: number): Hasher {
    let hasher = this.#hashers.get(id);
    if (hasher === undefined) {
      hasher = sha256();
      this.#hashers.set(id, hasher);
    }
    return hasher;
  }
}

function aborted(): HashError {
  return new HashError("aborted", "cannot hash on this lane: it was aborted; open a new one");
}
