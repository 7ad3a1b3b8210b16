/** The machine's clocks, timers and random numbers. */

import { randomFillSync } from "node:crypto";
import { clearImmediate, setImmediate } from "node:timers";
import { limitValues } from "../../base/limits.ts";
import type { Clock, Random, TimerHandle, Timers } from "../env.ts";
import { COARSE_FROM_MS, CoarseTimers } from "./coarse_timers.ts";
import { ENV_LIMITS } from "./limits.ts";

const LIMITS = limitValues(ENV_LIMITS);

/** The wall clock and the monotonic clock of this machine. */
export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};

/** The operating system's random source; `next` is fast and not for secrets. */
export const realRandom: Random = {
  next: () => Math.random(),
  bytes: (length) => randomFillSync(new Uint8Array(length)),
};

class RealTimer implements TimerHandle {
  #handle: ReturnType<typeof setTimeout> | undefined;

  constructor(ms: number, fn: () => void) {
    this.#arm(Math.max(0, ms), fn);
  }

  #arm(ms: number, fn: () => void): void {
    const step = Math.min(ms, LIMITS.timerMaxMs);
    this.#handle = setTimeout(() => {
      if (ms > step) this.#arm(ms - step, fn);
      else fn();
    }, step);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }
}

/** Timers of one Env; {@link RealTimers.close} takes back the turns that were asked for. */
export class RealTimers implements Timers {
  readonly #turns = new Set<ReturnType<typeof setImmediate>>();
  readonly #coarse = new CoarseTimers(realClock.monotonic);

  after(ms: number, fn: () => void): TimerHandle {
    const coarse = ms >= COARSE_FROM_MS && ms <= LIMITS.timerMaxMs;
    return coarse ? this.#coarse.after(ms, fn) : new RealTimer(ms, fn);
  }

  soon(fn: () => void): void {
    const turn = setImmediate(() => {
      this.#turns.delete(turn);
      fn();
    });
    this.#turns.add(turn);
  }

  close(): void {
    for (const turn of this.#turns) clearImmediate(turn);
    this.#turns.clear();
  }
}
