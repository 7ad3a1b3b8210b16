/**
 * The time of a replicated state, going on between its commands: their stamps, and the monotonic clock
 * since. The wall clock of this node counts once, for the time before it began: it may be set later, or
 * be behind stamps that stand still until it has come.
 */

import type { Clock } from "../../runtime/env/env.ts";

/** Never falls; see the head of this file. */
export class StateClock {
  readonly #clock: Clock;
  #stampMs: number;
  #atMs: number;

  constructor(clock: Clock, stampMs: number) {
    this.#clock = clock;
    this.#stampMs = Math.max(stampMs, clock.now());
    this.#atMs = clock.monotonic();
  }

  /** The time now, in ms since 1970; `stampMs`: of the last command. */
  now(stampMs: number): number {
    const atMs = this.#clock.monotonic();
    this.#stampMs = Math.max(stampMs, this.#stampMs + atMs - this.#atMs);
    this.#atMs = atMs;
    return this.#stampMs;
  }
}
