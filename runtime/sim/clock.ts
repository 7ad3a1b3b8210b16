/** Clocks and timers on virtual time. */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import type { Clock, TimerHandle, Timers } from "../env/env.ts";
import type { Incarnation } from "./incarnation.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);
const MILLION = 1_000_000;

/** 2026-01-01T00:00:00Z: where the wall clock of every world begins. */
export const WORLD_EPOCH_MS = 1_767_225_600_000;
/** A turn costs time, so that a loop of turns cannot stop the clock and starve the timers. */
const TURN_MS = 0.01;
/** What a timer of a clock that drifts may miss by rounding. */
const ROUNDING_MS = 1e-6;

/** A line through time: it gives `valueMs` at `atMs`, and runs at `rate` from there. */
interface Line {
  readonly atMs: number;
  readonly valueMs: number;
  readonly rate: number;
}

/** How fast the clocks of a machine are, in parts per million off; positive is fast. */
export interface Drift {
  readonly wallPpm?: number;
  readonly monotonicPpm?: number;
}

/** The clocks of a machine: they may be wrong, run wrong, and the wall clock may jump. */
export class MachineClocks {
  readonly #time: VirtualTime;
  #wall: Line = { atMs: 0, valueMs: WORLD_EPOCH_MS, rate: 1 };
  #monotonic: Line = { atMs: 0, valueMs: 0, rate: 1 };

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  /** The wall clock, in whole milliseconds since 1970. */
  wallMs(): number {
    return Math.floor(this.#value(this.#wall));
  }

  /** The clock that never goes back. */
  monotonicMs(): number {
    return this.#value(this.#monotonic);
  }

  /** What `ms` of the monotonic clock are in the world's time. */
  worldMs(ms: number): number {
    return this.#monotonic.rate === 1 ? ms : ms / this.#monotonic.rate + ROUNDING_MS;
  }

  /** Sets the wall clock forward, or back where `byMs` is negative. */
  jump(byMs: number): void {
    this.#wall = this.#bend(this.#wall, this.#wall.rate, byMs);
  }

  /** Lets the clocks run fast or slow from now on; the monotonic one within its limit. */
  drift({ wallPpm, monotonicPpm }: Drift): void {
    if (wallPpm !== undefined) this.#wall = this.#bend(this.#wall, 1 + wallPpm / MILLION, 0);
    if (monotonicPpm === undefined) return;
    assert(Math.abs(monotonicPpm) <= LIMITS.monotonicDriftPpm, "the monotonic drift is in bounds");
    this.#monotonic = this.#bend(this.#monotonic, 1 + monotonicPpm / MILLION, 0);
  }

  #value(line: Line): number {
    return line.valueMs + (this.#time.nowMs - line.atMs) * line.rate;
  }

  #bend(line: Line, rate: number, byMs: number): Line {
    return { atMs: this.#time.nowMs, valueMs: this.#value(line) + byMs, rate };
  }
}

/** The clocks of one process; `originMs` is where its monotonic one began. */
export function simClock(clocks: MachineClocks, originMs: number): Clock {
  return {
    now: () => clocks.wallMs(),
    monotonic: () => clocks.monotonicMs() - originMs,
  };
}

/** The timers of one process; they die with it, and run by its machine's monotonic clock. */
export function simTimers(clocks: MachineClocks, incarnation: Incarnation): Timers {
  return {
    after: (ms, fn) => {
      const dueMs = clocks.monotonicMs() + ms;
      let handle: TimerHandle;
      const wait = (leftMs: number) => {
        handle = incarnation.after(clocks.worldMs(leftMs), "timer", () => {
          const missingMs = dueMs - clocks.monotonicMs();
          // The clock was slowed down since the timer was set.
          if (missingMs > ROUNDING_MS) wait(missingMs);
          else fn();
        });
      };
      wait(ms);
      return { cancel: () => handle.cancel() };
    },
    soon: (fn) => {
      incarnation.after(incarnation.freeAfterMs(TURN_MS), "turn", fn);
    },
  };
}
