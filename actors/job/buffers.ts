/**
 * The agent's pipeline buffers: byte credit made of memory. A stage that wants to read takes a
 * buffer, and waits if all are in use; so memory is bounded whatever the files' sizes and number.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Block } from "../../runtime/env/env.ts";

/** Buffers that are lent out and come back. */
export class BufferPool {
  readonly slotBytes: number;
  readonly #capacity: number;
  readonly #free: Block[] = [];
  readonly #waiting: ((buffer: Block) => void)[] = [];
  #made = 0;

  /** `poolBytes` is rounded down to whole slots; at least one is kept. */
  constructor(slotBytes: number, poolBytes: number) {
    this.slotBytes = slotBytes;
    this.#capacity = Math.max(1, Math.floor(poolBytes / slotBytes));
  }

  /** Buffers that are lent out now. */
  get lent(): number {
    return this.#made - this.#free.length;
  }

  /** A buffer, as soon as one is free; first come, first served. */
  take(): Promise<Block> | Block {
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if (this.#made < this.#capacity) {
      this.#made += 1;
      return { bytes: new Uint8Array(this.slotBytes) };
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a buffer back. */
  give(buffer: Block): void {
    assert(buffer.bytes.length === this.slotBytes, "only whole buffers come back to their pool");
    const next = this.#waiting.shift();
    if (next !== undefined) next(buffer);
    else this.#free.push(buffer);
  }
}

/** One transfer's share of the pool: at most `windowBytes` at a time. */
export class Window {
  readonly #pool: BufferPool;
  readonly #capacity: number;
  #held = 0;
  #waiting: (() => void)[] = [];

  constructor(pool: BufferPool, windowBytes: number) {
    this.#pool = pool;
    this.#capacity = Math.max(1, Math.floor(windowBytes / pool.slotBytes));
  }

  /** A buffer within the window; waits for this transfer's own stages first, then for the pool. */
  async take(): Promise<Block> {
    while (this.#held >= this.#capacity) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    this.#held += 1;
    return await this.#pool.take();
  }

  give(buffer: Block): void {
    this.#held -= 1;
    this.#pool.give(buffer);
    this.#waiting.shift()?.();
  }
}
