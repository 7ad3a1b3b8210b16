/** Clocks and timers on virtual time. */

import type { Clock, Timers } from "../env/env.ts";
import type { Incarnation } from "./incarnation.ts";

/** 2026-01-01T00:00:00Z: where the wall clock of every world begins. */
export const WORLD_EPOCH_MS = 1_767_225_600_000;
/** A turn costs time, so that a loop of turns cannot stop the clock and starve the timers. */
const TURN_MS = 0.01;

/** The clocks of one process. */
export function simClock(incarnation: Incarnation): Clock {
  return {
    now: () => Math.floor(WORLD_EPOCH_MS + incarnation.world.nowMs),
    monotonic: () => incarnation.world.nowMs,
  };
}

/** The timers of one process; they die with it. */
export function simTimers(incarnation: Incarnation): Timers {
  return {
    after: (ms, fn) => incarnation.after(ms, "timer", fn),
    soon: (fn) => {
      incarnation.after(TURN_MS, "turn", fn);
    },
  };
}
