/**
 * Calls to a mounted path, which may never return: a server that is away leaves them hanging, and nothing
 * can take them back. Each is given up after a time; one that was given up and still hangs is stuck, and
 * holds a thread. Past a few of those no more are made, until one returns.
 */

import type { TimerHandle, Timers } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

/** The bounds of one mount's calls. */
export interface CallBounds {
  readonly timeoutMs: number;
  /** At once; what is stuck counts. */
  readonly callsMax: number;
  /** From so many stuck calls on none is made. */
  readonly stuckMax: number;
}

const BOUNDS: CallBounds = {
  timeoutMs: protocolLimits.nfsCallTimeoutMs,
  callsMax: protocolLimits.nfsCallsMax,
  stuckMax: protocolLimits.nfsStuckCallsMax,
};

interface Waiter {
  readonly go: () => void;
  readonly refuse: () => void;
}

/** The calls of one mount. */
export class MountCalls {
  readonly #what: string;
  readonly #timers: Timers;
  readonly #bounds: CallBounds;
  readonly #waiting = new Set<Waiter>();
  #running = 0;
  #stuck = 0;

  /** `what` is the mount, for messages. */
  constructor(what: string, timers: Timers, bounds: Partial<CallBounds> = {}) {
    this.#what = what;
    this.#timers = timers;
    this.#bounds = { ...BOUNDS, ...bounds };
  }

  /** Calls that were given up and have not returned. */
  get stuck(): number {
    return this.#stuck;
  }

  /**
   * Makes a call. `timeout` if it takes too long, `unreachable` at once while too many are stuck; what a
   * call gives after it was given up goes to `late`.
   */
  async run<T>(
    action: string,
    call: () => Promise<T>,
    late: (value: T) => void = () => {},
  ): Promise<T> {
    await this.#turn(action);
    return await new Promise<T>((resolve, reject) => {
      let isGivenUp = false;
      const timer: TimerHandle = this.#timers.after(this.#bounds.timeoutMs, () => {
        isGivenUp = true;
        this.#giveUp();
        reject(this.#timeout(action));
      });
      const end = () => {
        timer.cancel();
        if (isGivenUp) this.#stuck -= 1;
        this.#running -= 1;
        this.#next();
      };
      call().then((value) => {
        end();
        if (isGivenUp) late(value);
        else resolve(value);
      }, (thrown) => {
        end();
        reject(thrown);
      });
    });
  }

  async #turn(action: string): Promise<void> {
    if (this.#isHung()) throw this.#hung(action);
    if (this.#running < this.#bounds.callsMax) {
      this.#running += 1;
      return;
    }
    if (this.#waiting.size >= protocolLimits.limitedWaitersMax) {
      const message = `cannot ${action}: ${this.#waiting.size} calls to ${this.#what} wait already`;
      throw new ProtocolError("rateLimited", message, { definite: true });
    }
    await new Promise<void>((resolve, reject) => {
      this.#waiting.add({ go: resolve, refuse: () => reject(this.#hung(action)) });
    });
  }

  #next(): void {
    const [first] = this.#waiting;
    if (first === undefined || this.#isHung()) return;
    this.#waiting.delete(first);
    this.#running += 1;
    first.go();
  }

  #giveUp(): void {
    this.#stuck += 1;
    if (!this.#isHung()) return;
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const { refuse } of waiting) refuse();
  }

  #isHung(): boolean {
    return this.#stuck >= this.#bounds.stuckMax;
  }

  #timeout(action: string): ProtocolError {
    const message =
      `cannot ${action}: ${this.#what} did not answer in ${this.#bounds.timeoutMs} ms`;
    return new ProtocolError("timeout", message, { definite: false });
  }

  #hung(action: string): ProtocolError {
    const message =
      `cannot ${action}: ${this.#what} does not answer, and ${this.#stuck} calls to ` +
      "it have not returned; look at its server and at the mount";
    return new ProtocolError("unreachable", message, { definite: true });
  }
}
