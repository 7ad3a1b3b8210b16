/** One timer for many waits, one after another, moved rather than set anew. */

import type { Clock, TimerHandle, Timers } from "../runtime/env/env.ts";

/**
 * Calls `expired` with the reason when an armed deadline passes. Arming anew is two assignments in
 * the common case: a timer that fires early looks at the clock and is set again for the rest.
 */
export class Deadline<Reason extends Error = Error> {
  #timer: TimerHandle | null = null;
  #timerAtMs = 0;
  #dueMs = Infinity;
  #reason: (() => Reason) | null = null;

  constructor(
    private readonly env: { readonly clock: Clock; readonly timers: Timers },
    private readonly expired: (reason: Reason) => void,
  ) {}

  /** Replaces what was armed before. */
  arm(ms: number, reason: () => Reason): void {
    const nowMs = this.env.clock.monotonic();
    this.#dueMs = nowMs + ms;
    this.#reason = reason;
    if (this.#timer !== null && this.#timerAtMs <= this.#dueMs) return;
    this.#timer?.cancel();
    this.#set(nowMs, ms);
  }

  /** Waiting is over for now; the timer stays for the next wait. */
  disarm(): void {
    this.#dueMs = Infinity;
  }

  /** Frees the timer. */
  stop(): void {
    this.disarm();
    this.#timer?.cancel();
    this.#timer = null;
  }

  #set(nowMs: number, ms: number): void {
    this.#timerAtMs = nowMs + ms;
    this.#timer = this.env.timers.after(ms, () => this.#fired());
  }

  #fired(): void {
    this.#timer = null;
    if (this.#dueMs === Infinity) return;
    const nowMs = this.env.clock.monotonic();
    if (nowMs < this.#dueMs) return this.#set(nowMs, this.#dueMs - nowMs);
    const reason = this.#reason!;
    this.disarm();
    this.expired(reason());
  }
}
