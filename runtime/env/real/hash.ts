/** Hashing with threads: lanes over the {@link HashPool}. */

import { assert } from "../../base/assert.ts";
import type { Block, Hashing, HashLane } from "../env.ts";
import { HashError } from "../hash_error.ts";
import { crc32, hmacSha256, sha256 } from "../sha256.ts";
import type { HashReply } from "./hash_messages.ts";
import type { HashPool, HashThread } from "./hash_pool.ts";

const ABORTED = "cannot hash on this lane: it was aborted; open a new one";

/** Hashes on one thread of the pool, which it asks for with its first call. */
class ThreadedLane implements HashLane {
  readonly #pool: HashPool;
  #thread: HashThread | null = null;
  #stream = 0;
  #state: "open" | "ended" | "aborted" = "open";

  constructor(pool: HashPool) {
    this.#pool = pool;
  }

  async feed(block: Block, length: number): Promise<void> {
    const thread = this.#open();
    const bytes = ownBytes(block.bytes);
    const size = bytes.length;
    const stream = this.#stream;
    try {
      const reply = await thread.call(
        this,
        (call) => ({ type: "update", call, stream, bytes, length }),
        [bytes.buffer],
      );
      assert("bytes" in reply, "an update is answered with its bytes");
      block.bytes = reply.bytes;
    } catch (error) {
      // The memory is gone with the thread or the lane: the block gets other memory of its size.
      block.bytes = new Uint8Array(size);
      throw error;
    }
  }

  async mark(): Promise<string> {
    return await this.#digest(true);
  }

  async end(): Promise<string> {
    const digest = this.#digest(false);
    this.#state = "ended";
    return await digest;
  }

  abort(): void {
    if (this.#state === "aborted") return;
    this.#state = "aborted";
    this.#thread?.drop(this, this.#stream, new HashError("aborted", ABORTED));
  }

  async #digest(keep: boolean): Promise<string> {
    const thread = this.#open();
    const stream = this.#stream;
    const reply: HashReply = await thread.call(
      this,
      (call) => ({ type: "digest", call, stream, keep }),
    );
    assert("hex" in reply, "a digest is answered with it");
    return reply.hex;
  }

  #open(): HashThread {
    if (this.#state === "aborted") throw new HashError("aborted", ABORTED);
    assert(this.#state === "open", "a hash lane takes no calls after its end");
    if (this.#thread === null) {
      this.#thread = this.#pool.thread();
      this.#stream = this.#pool.stream();
    }
    return this.#thread;
  }
}

/** Memory that can be moved: all of an own buffer; a view of a larger or shared one is copied. */
function ownBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes;
  const movable = buffer instanceof ArrayBuffer && buffer.byteLength === bytes.length;
  return movable ? bytes as Uint8Array<ArrayBuffer> : new Uint8Array(bytes);
}

/** Hash functions whose lanes run on the threads of `pool`. */
export function realHashing(pool: HashPool): Hashing {
  return {
    sha256,
    crc32,
    hmacSha256,
    lane: () => new ThreadedLane(pool),
  };
}
