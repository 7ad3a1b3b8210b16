/** How long a leader knows by its clock alone that no other was elected (dissertation, 6.4.1). */

import { assert } from "../../base/assert.ts";

/** The heartbeat rounds of one term, and when each was sent. */
export class Lease {
  #round = 0;
  /** When the rounds after `#confirmedRound` were sent. */
  #sentMs: number[] = [];
  #confirmedRound = 0;
  /** When the last round that a quorum answered was sent. */
  #confirmedSentMs: number | null = null;
  #ended = false;

  /** The last round; counts up within a term and is never reused. */
  get round(): number {
    return this.#round;
  }

  /** The last round that a quorum answered. */
  get confirmedRound(): number {
    return this.#confirmedRound;
  }

  /** A round is sent now: the promise that it asks for is counted from here, not from its answer. */
  nextRound(nowMs: number): number {
    this.#round++;
    this.#sentMs.push(nowMs);
    return this.#round;
  }

  /** A quorum has answered `round`. */
  confirm(round: number): void {
    if (round <= this.#confirmedRound) return;
    assert(round <= this.#round, "only a round that was sent is answered");
    const passed = round - this.#confirmedRound;
    this.#confirmedSentMs = this.#sentMs[passed - 1] as number;
    this.#sentMs.splice(0, passed);
    this.#confirmedRound = round;
  }

  /** A transfer began: voters may elect another at once, so clocks promise nothing in this term. */
  end(): void {
    this.#ended = true;
  }

  /** Whether no other leader can have been elected by `nowMs`. */
  holds(nowMs: number, electionMs: number, clockDrift: number): boolean {
    if (this.#ended || this.#confirmedSentMs === null) return false;
    return nowMs < this.#confirmedSentMs + electionMs * (1 - clockDrift);
  }
}
