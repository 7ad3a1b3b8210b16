/** Hashing with threads: lanes over the {@link HashPool}. */

import { assert } from "../../base/assert.ts";
import type { Hashing, HashLane } from "../env.ts";
import { HashError } from "../hash_error.ts";
import { InlineLane } from "../inline_lane.ts";
import { LaneStreams } from "../lane_streams.ts";
import type { LaneStream } from "../lane_streams.ts";
import { crc32, sha256 } from "../sha256.ts";
import type { HashPool, HashThread } from "./hash_pool.ts";

const ABORTED = "cannot hash on this lane: it was aborted; open a new one";

class ThreadedLane implements HashLane {
  readonly #pool: HashPool;
  readonly #file: HashThread;
  readonly #chunks: HashThread;
  readonly #streams: LaneStreams;
  #state: "open" | "ended" | "aborted" = "open";

  constructor(pool: HashPool) {
    this.#pool = pool;
    ({ file: this.#file, chunks: this.#chunks } = pool.pair());
    this.#streams = new LaneStreams(() => pool.stream());
  }

  async feed(segment: Uint8Array, into: { chunk: number | null; file: boolean }): Promise<void> {
    this.#assertOpen();
    const step = this.#streams.feed(into.chunk, into.file);
    if (step.fork !== null) {
      this.#file.post({ type: "fork", from: this.#streams.file.id, to: step.fork.id });
    }
    const shared = sharedView(segment);
    await Promise.all(step.into.map((stream) => this.#update(stream, shared)));
  }

  // deno-lint-ignore require-await
  async endChunk(chunk: number): Promise<string> {
    this.#assertOpen();
    const { stream, keep } = this.#streams.endChunk(chunk);
    return this.#digest(stream, keep);
  }

  // deno-lint-ignore require-await
  async endFile(): Promise<string> {
    this.#assertOpen();
    this.#state = "ended";
    const digest = this.#digest(this.#streams.file, false);
    const left = this.#streams.all().map((stream) => stream.id);
    this.#file.post({ type: "drop", streams: left });
    this.#chunks.post({ type: "drop", streams: left });
    return digest;
  }

  abort(): void {
    if (this.#state === "aborted") return;
    this.#state = "aborted";
    const streams = this.#streams.all().map((stream) => stream.id);
    const reason = new HashError("aborted", ABORTED);
    this.#file.drop(this, streams, reason);
    this.#chunks.drop(this, streams, reason);
  }

  #update(stream: LaneStream, view: Uint8Array<SharedArrayBuffer>): Promise<string> {
    const thread = this.#threadOf(stream);
    const buffer = this.#pool.bufferNumber(view.buffer);
    thread.share(buffer, view.buffer);
    const { byteOffset: offset, byteLength: length } = view;
    return thread.call(this, (call) => ({
      type: "update",
      call,
      stream: stream.id,
      buffer,
      offset,
      length,
    }));
  }

  #digest(stream: LaneStream, keep: boolean): Promise<string> {
    return this.#threadOf(stream).call(this, (call) => ({
      type: "digest",
      call,
      stream: stream.id,
      keep,
    }));
  }

  #threadOf(stream: LaneStream): HashThread {
    return stream.besideFile ? this.#file : this.#chunks;
  }

  #assertOpen(): void {
    if (this.#state === "aborted") throw new HashError("aborted", ABORTED);
    assert(this.#state === "open", "a hash lane takes no calls after endFile");
  }
}

/** The same bytes in shared memory: the view itself if it is there already, else a copy. */
function sharedView(segment: Uint8Array): Uint8Array<SharedArrayBuffer> {
  if (isShared(segment)) return segment;
  const copy = new Uint8Array(new SharedArrayBuffer(segment.length));
  copy.set(segment);
  return copy;
}

function isShared(view: Uint8Array): view is Uint8Array<SharedArrayBuffer> {
  return view.buffer instanceof SharedArrayBuffer;
}

/** Decides at its first segment: shared memory goes to the threads, other memory is hashed inline. */
class ChoosingLane implements HashLane {
  readonly #pool: HashPool;
  #lane: HashLane | null = null;

  constructor(pool: HashPool) {
    this.#pool = pool;
  }

  feed(segment: Uint8Array, into: { chunk: number | null; file: boolean }): Promise<void> {
    this.#lane ??= isShared(segment) ? new ThreadedLane(this.#pool) : new InlineLane();
    return this.#lane.feed(segment, into);
  }

  endChunk(chunk: number): Promise<string> {
    this.#lane ??= new InlineLane();
    return this.#lane.endChunk(chunk);
  }

  endFile(): Promise<string> {
    this.#lane ??= new InlineLane();
    return this.#lane.endFile();
  }

  abort(): void {
    this.#lane ??= new InlineLane();
    this.#lane.abort();
  }
}

/** Hash functions whose lanes run on the threads of `pool`. */
export function realHashing(pool: HashPool): Hashing {
  return {
    sha256,
    crc32,
    buffers: (count, bytes) =>
      Array.from({ length: count }, () => new Uint8Array(new SharedArrayBuffer(bytes))),
    lane: () => new ChoosingLane(pool),
  };
}
