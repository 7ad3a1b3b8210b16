/** One turn of the event loop, for the simulation: it moves no clock, it only lets microtasks finish. */

import { setImmediate } from "node:timers";

/** Resolves in the next turn, when every microtask that was queued, and those that they queued, ran. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
