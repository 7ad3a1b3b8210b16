/** Asking once more, where the same request may succeed a moment later and does no harm twice. */

import type { Env } from "../../runtime/env/env.ts";
import { abortedError } from "../aborting.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";

/**
 * Calls `act`, which can be repeated without harm, until it succeeds or its failure is final. A server
 * that asks to wait longer than a moment is left to the job.
 */
export async function again<T>(
  env: Pick<Env, "timers" | "random">,
  signal: AbortSignal | null,
  act: () => Promise<T>,
): Promise<T> {
  const { objectTriesMax, objectRetryMs, objectRetryAfterMaxMs } = protocolLimits;
  for (let tries = 1;; tries++) {
    try {
      return await act();
    } catch (thrown) {
      if (!(thrown instanceof ProtocolError) || !thrown.retryable) throw thrown;
      const askedMs = thrown.retryAfterMs ?? 0;
      const isFinal = thrown.code === "changed" || tries >= objectTriesMax ||
        askedMs > objectRetryAfterMaxMs;
      if (isFinal) throw thrown;
      const delayMs = objectRetryMs * 2 ** (tries - 1);
      await pause(env, signal, Math.max(askedMs, delayMs * (1 + env.random.next()) / 2));
    }
  }
}

/** Resolves after a while; `aborted` when the signal fires first. */
export function pause(
  { timers }: Pick<Env, "timers">,
  signal: AbortSignal | null,
  ms: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = timers.after(ms, () => {
      signal?.removeEventListener("abort", stop);
      resolve();
    });
    const stop = () => {
      timer.cancel();
      reject(abortedError("wait for an object store", signal!));
    };
    if (signal?.aborted === true) return stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}
