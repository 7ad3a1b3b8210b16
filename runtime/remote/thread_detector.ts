/**
 * Whether the thread at the other end of a port still lives. No network can come between: a closed port
 * says that it has ended, and silence says only that it is busy, or that the whole process was stopped. So
 * patience is long, and time in which this end did not run either does not count.
 */

import type { Detector, DetectorFactory } from "./liveness.ts";

/** Certain or not: there is no rhythm to learn. */
const SUSPECT_PHI = 1;

/** Gives a port up after `silentMs` of silence, of which no step between two looks counts for more than `stepMs`. */
export function threadDetector(silentMs: number, stepMs: number): DetectorFactory {
  return {
    suspectPhi: SUSPECT_PHI,
    create: (nowMs) => new ThreadDetector(nowMs, silentMs, stepMs),
  };
}

class ThreadDetector implements Detector {
  readonly #mostMs: number;
  readonly #stepMs: number;
  #silentMs = 0;
  #lookedMs: number;

  constructor(nowMs: number, mostMs: number, stepMs: number) {
    this.#lookedMs = nowMs;
    this.#mostMs = mostMs;
    this.#stepMs = stepMs;
  }

  heartbeat(nowMs: number): void {
    this.#silentMs = 0;
    this.#lookedMs = nowMs;
  }

  phi(nowMs: number): number {
    this.#silentMs += Math.min(this.#stepMs, Math.max(0, nowMs - this.#lookedMs));
    this.#lookedMs = Math.max(this.#lookedMs, nowMs);
    return this.#silentMs >= this.#mostMs ? Infinity : 0;
  }
}
