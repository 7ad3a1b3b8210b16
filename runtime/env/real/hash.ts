/** Hashing with threads: lanes over the {@link HashPool}. */

import { assert } from "../../base/assert.ts";
import type { Hashing, HashLane } from "../env.ts";
import { HashError } from "../hash_error.ts";
import { InlineLane } from "../inline_lane.ts";
import { crc32, sha256 } from "../sha256.ts";
import type { HashPool, HashThread } from "./hash_pool.ts";

const ABORTED = "cannot hash on this lane: it was aborted; open a new one";

class ThreadedLane implements HashLane {
  readonly #pool: HashPool;
  readonly #thread: HashThread;
  readonly #stream: number;
  #state: "open" | "ended" | "aborted" = "open";

  constructor(pool: HashPool) {
    this.#pool = pool;
    this.#thread = pool.thread();
    this.#stream = pool.stream();
  }

  async feed(segment: Uint8Array): Promise<void> {
    this.#assertOpen();
    const view = sharedView(segment);
    const buffer = this.#pool.bufferNumber(view.buffer);
    this.#thread.share(buffer, view.buffer);
    const { byteOffset: offset, byteLength: length } = view;
    const stream = this.#stream;
    await this.#thread.call(this, (call) => ({
      type: "update",
      call,
      stream,
      buffer,
      offset,
      length,
    }));
  }

  // deno-lint-ignore require-await
  async mark(): Promise<string> {
    this.#assertOpen();
    return this.#digest(true);
  }

  // deno-lint-ignore require-await
  async end(): Promise<string> {
    this.#assertOpen();
    this.#state = "ended";
    return this.#digest(false);
  }

  abort(): void {
    if (this.#state === "aborted") return;
    this.#state = "aborted";
    this.#thread.drop(this, this.#stream, new HashError("aborted", ABORTED));
  }

  #digest(keep: boolean): Promise<string> {
    const stream = this.#stream;
    return this.#thread.call(this, (call) => ({ type: "digest", call, stream, keep }));
  }

  #assertOpen(): void {
    if (this.#state === "aborted") throw new HashError("aborted", ABORTED);
    assert(this.#state === "open", "a hash lane takes no calls after its end");
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

  feed(segment: Uint8Array): Promise<void> {
    this.#lane ??= isShared(segment) ? new ThreadedLane(this.#pool) : new InlineLane();
    return this.#lane.feed(segment);
  }

  mark(): Promise<string> {
    return this.#chosen().mark();
  }

  end(): Promise<string> {
    return this.#chosen().end();
  }

  abort(): void {
    this.#chosen().abort();
  }

  #chosen(): HashLane {
    this.#lane ??= new InlineLane();
    return this.#lane;
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
