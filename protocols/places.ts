/** A bounded number of places, given out in the order of asking. */

import { assert } from "../runtime/base/assert.ts";
import { abortedError } from "./aborting.ts";
import { ProtocolError } from "./errors.ts";
import { protocolLimits } from "./limits.ts";

/** Who has no place waits, and may give up. */
export class Places {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #taken = 0;

  constructor(most: number) {
    assert(Number.isInteger(most) && most > 0, "at least one place can be taken");
    this.#most = most;
  }

  /** Resolves with a place taken; `aborted` when the signal fires first. */
  async enter(signal: AbortSignal | null): Promise<void> {
    if (signal?.aborted) throw abortedError("wait for a free place", signal);
    if (this.#taken < this.#most) {
      this.#taken += 1;
      return;
    }
    if (this.#waiting.size >= protocolLimits.limitedWaitersMax) {
      throw new ProtocolError(
        "rateLimited",
        `cannot wait for a free place: ${this.#waiting.size} wait already; start less at once`,
      );
    }
    await this.#turn(signal);
  }

  /** Nobody has a place or waits for one. */
  get isEmpty(): boolean {
    return this.#taken === 0;
  }

  /** Gives a place back, to the one that waited longest. */
  leave(): void {
    assert(this.#taken > 0, "a place that is given back was taken");
    const [next] = this.#waiting;
    if (next === undefined) this.#taken -= 1;
    else next();
  }

  #turn(signal: AbortSignal | null): Promise<void> {
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        this.#waiting.delete(enter);
        reject(abortedError("wait for a free place", signal!));
      };
      const enter = () => {
        this.#waiting.delete(enter);
        signal?.removeEventListener("abort", giveUp);
        resolve();
      };
      this.#waiting.add(enter);
      signal?.addEventListener("abort", giveUp, { once: true });
    });
  }
}
