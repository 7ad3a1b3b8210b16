/** Whether another's clock runs as evenly beside ours as reads by clock assume. */

/** Election timeouts over which a clock is watched: delays of messages hardly count over so long. */
const WATCHED_ELECTIONS = 32;

/** What the lease assumes. */
export interface DriftBounds {
  readonly electionMs: number;
  readonly clockDrift: number;
}

/**
 * Compares a member's wall clock with our monotonic one. A clock that jumps, a machine that was stopped
 * and one that runs too fast all look alike: none of them is to be trusted for a while.
 */
export class DriftWatch {
  #sinceMs = 0;
  #sinceOffsetMs: number | null = null;
  #isSuspect = false;

  /** It ran unevenly, and has not run evenly for long enough since. */
  get isSuspect(): boolean {
    return this.#isSuspect;
  }

  /** Its clock showed `wallMs` when ours showed `nowMs`. */
  observe(nowMs: number, wallMs: number, bounds: DriftBounds): void {
    const offsetMs = wallMs - nowMs;
    if (this.#sinceOffsetMs === null) return this.#restart(nowMs, offsetMs);
    const passedMs = nowMs - this.#sinceMs;
    const driftedMs = Math.abs(offsetMs - this.#sinceOffsetMs);
    if (driftedMs > passedMs * bounds.clockDrift + bounds.electionMs) {
      this.#isSuspect = true;
      this.#restart(nowMs, offsetMs);
    } else if (passedMs > WATCHED_ELECTIONS * bounds.electionMs) {
      this.#isSuspect = false;
      this.#restart(nowMs, offsetMs);
    }
  }

  #restart(nowMs: number, offsetMs: number): void {
    this.#sinceMs = nowMs;
    this.#sinceOffsetMs = offsetMs;
  }
}
