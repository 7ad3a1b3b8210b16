/** All deadlines of a node on one timer of its Env: setting and clearing a real timer costs 3-4 us. */

import type { Clock, TimerHandle, Timers } from "../env/env.ts";
import { TimerWheel, type WheelEntry } from "./wheel.ts";

const SLOTS = 256;

/** Drives a {@link TimerWheel} with ticks of one millisecond. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #wheel: TimerWheel;
  #armed: TimerHandle | null = null;
  #armedTick = Infinity;
  #closed = false;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.#wheel = new TimerWheel(SLOTS, Math.floor(clock.monotonic()));
  }

  /** Milliseconds of the monotonic clock; the scale of `dueTick`. */
  now(): number {
    return this.#clock.monotonic();
  }

  /** Expires the entry `delayMs` from now at the earliest. */
  set(entry: WheelEntry, delayMs: number): void {
    if (this.#closed) return;
    this.#wheel.insert(entry, Math.ceil(this.#clock.monotonic() + delayMs));
    if (entry.dueTick < this.#armedTick) this.#arm(entry.dueTick);
  }

  /** Idempotent. The Env timer stays armed: an early wake-up is cheaper than clearing it each time. */
  cancel(entry: WheelEntry): void {
    this.#wheel.cancel(entry);
  }

  /** Nothing expires any more. */
  close(): void {
    this.#closed = true;
    this.#armed?.cancel();
    this.#armed = null;
  }

  #arm(tick: number): void {
    this.#armed?.cancel();
    this.#armedTick = tick;
    const delayMs = Math.max(0, tick - this.#clock.monotonic());
    this.#armed = this.#timers.after(delayMs, () => this.#wake());
  }

  #wake(): void {
    this.#armed = null;
    this.#armedTick = Infinity;
    if (this.#closed) return;
    this.#wheel.advance(Math.floor(this.#clock.monotonic()));
    const next = this.#wheel.nextDue();
    if (next !== null && next < this.#armedTick && !this.#closed) this.#arm(next);
  }
}
