/** Letting a connection that always has more to do pass the turn to all others. */

import { clearImmediate, setImmediate } from "node:timers";
import { limitValues } from "../../base/limits.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";

const LIMITS = limitValues(SOCKET_LIMITS);

/**
 * Counts what one direction of a connection carries and rests after each burst. Deno 2.9.6 (tokio) asks the
 * system which sockets are ready when it has nothing to do, or else every 61st turn: with one turn between
 * bursts a ping beside 100 MB of bulk waited for all of it.
 */
export class Rest {
  readonly #ended: () => void;
  #bytes = 0;
  #turns = 0;
  #turn: ReturnType<typeof setImmediate> | undefined;

  /** `ended` is called after each rest that was not cancelled. */
  constructor(ended: () => void) {
    this.#ended = ended;
  }

  /** It carries nothing now. */
  get isOn(): boolean {
    return this.#turn !== undefined;
  }

  /** So much was carried; true if that was a burst, and then it rests. */
  count(bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#bytes < LIMITS.burstBytes || this.isOn) return this.isOn;
    this.#bytes = 0;
    this.#turns = LIMITS.burstRestTurns;
    this.#turn = setImmediate(this.#next);
    return true;
  }

  /** It has ended, and does not go on. */
  cancel(): void {
    clearImmediate(this.#turn);
    this.#turn = undefined;
  }

  readonly #next = (): void => {
    this.#turns -= 1;
    this.#turn = this.#turns > 0 ? setImmediate(this.#next) : undefined;
    if (!this.isOn) this.#ended();
  };
}
