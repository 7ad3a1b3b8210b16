/** A token bucket for bytes. */

import { assert } from "../../runtime/base/assert.ts";
import type { Env } from "../../runtime/env/env.ts";
import { abortedError } from "../aborting.ts";
import { protocolLimits } from "../limits.ts";

/**
 * Lets bytes pass at a rate, paid for afterwards: who brings many waits the longer before the next.
 * So a reader need not know how much it will get, and the average holds to within one call.
 */
export class ByteRate {
  readonly #env: Env;
  #bytesPerMs: number;
  /** When all that passed so far is paid for, on the monotonic clock. */
  #paidAtMs: number;
  /** Who waits: looks again when the rate has changed. */
  readonly #waiting = new Set<() => void>();

  constructor(env: Env, bytesPerSecond: number) {
    assert(bytesPerSecond > 0, "a rate limit is above 0 bytes per second");
    this.#env = env;
    this.#bytesPerMs = bytesPerSecond / 1_000;
    this.#paidAtMs = env.clock.monotonic() - protocolLimits.limitedBurstMs;
  }

  /** Another rate from now on, for what is not paid yet too; `Infinity`: none. */
  setRate(bytesPerSecond: number): void {
    assert(bytesPerSecond > 0, "a rate limit is above 0 bytes per second");
    const nowMs = this.#env.clock.monotonic();
    const owedMs = Math.max(0, this.#paidAtMs - nowMs);
    const bytesPerMs = bytesPerSecond / 1_000;
    if (owedMs > 0) this.#paidAtMs = nowMs + owedMs * this.#bytesPerMs / bytesPerMs;
    this.#bytesPerMs = bytesPerMs;
    for (const wake of this.#waiting) wake();
  }

  /** Bytes that may pass at once, so that nobody waits long. */
  get burstBytes(): number {
    return this.#bytesPerMs * protocolLimits.limitedBurstMs;
  }

  get isPaid(): boolean {
    return this.#paidAtMs <= this.#env.clock.monotonic();
  }

  /** Resolves when everything is paid for; `aborted` when the signal fires first. */
  async ready(signal: AbortSignal): Promise<void> {
    for (;;) {
      if (signal.aborted) throw abortedError("wait for bandwidth", signal);
      const waitMs = this.#paidAtMs - this.#env.clock.monotonic();
      if (waitMs <= 0) return;
      await this.#pause(waitMs, signal);
    }
  }

  /** Charges for bytes that pass. */
  spend(bytes: number): void {
    // What was not used in a quiet time is kept for one burst only.
    const earliestMs = this.#env.clock.monotonic() - protocolLimits.limitedBurstMs;
    this.#paidAtMs = Math.max(this.#paidAtMs, earliestMs) + bytes / this.#bytesPerMs;
  }

  #pause(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        timer.cancel();
        this.#waiting.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      const timer = this.#env.timers.after(ms, wake);
      this.#waiting.add(wake);
      signal.addEventListener("abort", wake, { once: true });
    });
  }
}
