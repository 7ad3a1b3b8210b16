/** One direction between two machines: how long it takes, and whether anything passes. */

import { limitValues } from "../base/limits.ts";
import type { DelayMs } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SeededRandom } from "./random.ts";
import type { VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** A direction; what it holds passes once it is whole again. */
export class Path {
  readonly from: string;
  readonly to: string;
  readonly random: SeededRandom;
  bytesPerMs = LIMITS.bytesPerMs;
  delay: DelayMs;
  readonly #time: VirtualTime;
  readonly #waiting = new Set<(delayMs: number) => void>();
  #cut = false;
  #dark = false;
  #blockedSinceMs = 0;
  #cloggedUntilMs = 0;

  constructor(time: VirtualTime, from: string, to: string, delay: DelayMs) {
    this.#time = time;
    this.from = from;
    this.to = to;
    this.delay = delay;
    this.random = time.random.stream(`network/${from}>${to}`);
  }

  /** Nothing passes, and nobody knows when it will. */
  get isBlocked(): boolean {
    return this.#cut || this.#dark;
  }

  /** How long until something that stands at its end may pass, where it is not blocked. */
  get cloggedMs(): number {
    return Math.max(0, this.#cloggedUntilMs - this.#time.nowMs);
  }

  /** What the next thing takes. */
  latencyMs(): number {
    return this.delay.low + this.random.next() * (this.delay.high - this.delay.low);
  }

  /** A partition of this direction. */
  cut(isCut: boolean): void {
    this.#change(() => this.#cut = isCut);
  }

  /** The machine at its end has no power. */
  darken(isDark: boolean): void {
    this.#change(() => this.#dark = isDark);
  }

  /** Nothing passes for `ms`; then all of it does. */
  clog(ms: number): void {
    this.#cloggedUntilMs = Math.max(this.#cloggedUntilMs, this.#time.nowMs + ms);
  }

  unclog(): void {
    this.#cloggedUntilMs = 0;
  }

  /** Calls `fn` with what it then takes, when this path is whole; returns how to take that back. */
  whenWhole(fn: (delayMs: number) => void): () => void {
    this.#waiting.add(fn);
    return () => this.#waiting.delete(fn);
  }

  #change(change: () => void): void {
    const before = this.isBlocked;
    change();
    if (!before && this.isBlocked) this.#blockedSinceMs = this.#time.nowMs;
    if (!before || this.isBlocked) return;
    const blockedMs = this.#time.nowMs - this.#blockedSinceMs;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const fn of waiting) {
      const againMs = this.random.next() * Math.min(blockedMs, LIMITS.resendMs);
      fn(againMs + this.latencyMs());
    }
  }
}
