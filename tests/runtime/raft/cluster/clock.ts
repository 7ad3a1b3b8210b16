/** The clocks of one member: they drift apart, start anew, and the one on the wall jumps. */

import type { Moment } from "../../../../runtime/raft/core/input.ts";

const EPOCH_MS = 1_800_000_000_000;

/** Virtual time as one member reads it. */
export class MemberClock {
  /** How fast the monotonic clock runs. */
  readonly rate: number;
  #offsetMs: number;
  #wallOffsetMs: number;

  constructor(rate: number, offsetMs: number, wallOffsetMs: number) {
    this.rate = rate;
    this.#offsetMs = offsetMs;
    this.#wallOffsetMs = wallOffsetMs;
  }

  moment(nowMs: number, random: number): Moment {
    return {
      nowMs: this.#offsetMs + nowMs * this.rate,
      wallMs: Math.floor(EPOCH_MS + this.#wallOffsetMs + nowMs * this.rate),
      random,
    };
  }

  /** A new process begins to count somewhere else. */
  restart(offsetMs: number): void {
    this.#offsetMs = offsetMs;
  }

  jumpWall(toOffsetMs: number): void {
    this.#wallOffsetMs = toOffsetMs;
  }
}
