/**
 * Timers of a second and more, of which most are cancelled (timeouts): kept in buckets of
 * {@link STEP_MS}, so that setting one costs no system timer (3-4 us each). They fire late by at most
 * one step, never early.
 */

import type { TimerHandle } from "../env.ts";

/** How exact a coarse timer is. */
const STEP_MS = 50;

/** Waits this long and longer are kept here. */
export const COARSE_FROM_MS = 1_000;

/** All timers of one step; the system timer goes with the last of them. */
class Bucket {
  readonly #timers = new Set<() => void>();
  readonly #system: ReturnType<typeof setTimeout>;
  readonly #done: () => void;

  constructor(ms: number, done: () => void) {
    this.#done = done;
    this.#system = setTimeout(() => this.#fire(), ms);
  }

  add(fn: () => void): TimerHandle {
    const own = () => fn();
    this.#timers.add(own);
    return { cancel: () => this.#cancel(own) };
  }

  #cancel(own: () => void): void {
    if (!this.#timers.delete(own) || this.#timers.size > 0) return;
    clearTimeout(this.#system);
    this.#done();
  }

  #fire(): void {
    this.#done();
    for (const fn of this.#timers) {
      this.#timers.delete(fn);
      fn();
    }
  }
}

/** A wheel of buckets. */
export class CoarseTimers {
  readonly #buckets = new Map<number, Bucket>();
  readonly #monotonicMs: () => number;

  constructor(monotonicMs: () => number) {
    this.#monotonicMs = monotonicMs;
  }

  /** Calls `fn` once, `ms` from now at the earliest. */
  after(ms: number, fn: () => void): TimerHandle {
    const nowMs = this.#monotonicMs();
    const step = Math.ceil((nowMs + ms) / STEP_MS);
    let bucket = this.#buckets.get(step);
    if (bucket === undefined) {
      bucket = new Bucket(step * STEP_MS - nowMs, () => this.#buckets.delete(step));
      this.#buckets.set(step, bucket);
    }
    return bucket.add(fn);
  }
}
