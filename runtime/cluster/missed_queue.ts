/**
 * What waits for one subscriber: when it is full the oldest is lost, since what a topic tells last
 * matters most. How many were lost is known at the very place where they are missing.
 */

import { assert } from "../base/assert.ts";

/** What comes next: how many were missed before it, and the item, unless nothing else waits. */
export type Taken<T> =
  | { readonly missed: number; readonly item: T; readonly hasItem: true }
  | { readonly missed: number; readonly hasItem: false };

/** See the head of this file. */
export class MissedQueue<T> {
  readonly #capacity: number;
  #entries: { readonly item: T; missed: number }[] = [];
  /** Missed after the last entry. */
  #tail = 0;
  #missed = 0;

  constructor(capacity: number) {
    assert(Number.isSafeInteger(capacity) && capacity >= 1, "a queue has room for one");
    this.#capacity = capacity;
  }

  /** Items that wait. */
  get size(): number {
    return this.#entries.length;
  }

  /** All that were ever missed. */
  get missed(): number {
    return this.#missed;
  }

  /** Adds an item; the oldest goes if there is no room. */
  push(item: T): void {
    this.#entries.push({ item, missed: this.#tail });
    this.#tail = 0;
    this.#dropOldest();
  }

  /** So many never came. */
  skip(count: number): void {
    this.#tail += count;
    this.#missed += count;
  }

  /** The item just taken was not wanted after all: it is missed before what comes next. */
  refuse(): void {
    this.#missed += 1;
    if (this.#entries.length > 0) this.#entries[0]!.missed += 1;
    else this.#tail += 1;
  }

  /** What was just taken could not be told: it comes next again. */
  putBack(taken: Taken<T>): void {
    const { missed } = taken;
    if (taken.hasItem) {
      this.#entries.unshift({ item: taken.item, missed });
      this.#dropOldest();
    } else if (this.#entries.length > 0) this.#entries[0]!.missed += missed;
    else this.#tail += missed;
  }

  /** What comes next; `null` if nothing does. */
  take(): Taken<T> | null {
    const next = this.#entries.shift();
    if (next !== undefined) return { ...next, hasItem: true };
    if (this.#tail === 0) return null;
    const missed = this.#tail;
    this.#tail = 0;
    return { missed, hasItem: false };
  }

  /** Forgets what waits. */
  clear(): void {
    this.#entries = [];
    this.#tail = 0;
  }

  /** It is missed before the one after it. */
  #dropOldest(): void {
    if (this.#entries.length <= this.#capacity) return;
    const lost = this.#entries.shift()!;
    this.#missed += 1;
    this.#entries[0]!.missed += lost.missed + 1;
  }
}
