/** The named timers of one actor. */

import type { Deadlines } from "./deadlines.ts";
import { TimerNote } from "./envelope.ts";

/** Timers by name; each has at most one tick in the mailbox. */
export class ActorTimers {
  readonly #timers = new Map<string, TimerNote>();
  readonly #deadlines: Deadlines;
  readonly #queue: (timer: TimerNote) => void;

  constructor(deadlines: Deadlines, queue: (timer: TimerNote) => void) {
    this.#deadlines = deadlines;
    this.#queue = queue;
  }

  /** How many are set. */
  get count(): number {
    return this.#timers.size;
  }

  /** Sets a timer, in place of one of that name. */
  set(name: string, ms: number, repeat: boolean, tag: string, body: unknown): void {
    this.cancel(name);
    const timer = new TimerNote(name, tag, body, repeat ? Math.max(1, ms) : null, this.#fire);
    this.#timers.set(name, timer);
    this.#deadlines.set(timer, ms);
  }

  /** Takes a timer back, queued or not. */
  cancel(name: string): boolean {
    const timer = this.#timers.get(name);
    if (timer === undefined) return false;
    timer.stopped = true;
    this.#deadlines.cancel(timer);
    return this.#timers.delete(name);
  }

  /** Takes all back. */
  cancelAll(): void {
    for (const name of [...this.#timers.keys()]) this.cancel(name);
  }

  /** A queued tick is about to be handled; false if it was taken back. */
  take(timer: TimerNote): boolean {
    timer.queued = false;
    if (timer.stopped) return false;
    if (timer.everyMs === null) this.#timers.delete(timer.name);
    return true;
  }

  readonly #fire = (timer: TimerNote): void => {
    if (timer.everyMs !== null) this.#deadlines.set(timer, timer.everyMs);
    if (timer.queued) return;
    timer.queued = true;
    this.#queue(timer);
  };
}
