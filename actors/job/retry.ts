/** When a failed attempt is repeated: a pure policy. */

import type { ErrorData } from "../../runtime/base/errors.ts";
import type { RetrySpec } from "../../workflows/spec.ts";

/** The share of a delay that is random: attempts that failed together do not come back together. */
const JITTER = 0.5;

/** Milliseconds before attempt `failures + 1`; `random` in [0, 1) spreads it over the upper half. */
export function retryDelayMs(spec: RetrySpec, failures: number, random: number): number {
  const step = Math.max(0, failures - 1);
  const grown = spec.backoff === "exponential"
    ? spec.initialDelayMs * spec.multiplier ** step
    : spec.backoff === "linear"
    ? spec.initialDelayMs * (step + 1)
    : spec.initialDelayMs;
  const boundedMs = Math.min(spec.maxDelayMs, grown);
  return Math.round(boundedMs * (1 - JITTER + JITTER * random));
}

/**
 * The time of the next attempt, or `null` if there is none: errors that would come again are not
 * retried, and `Retry-After` is honoured where it asks for more patience than the policy.
 */
export function retryAtMs(
  spec: RetrySpec,
  failures: number,
  error: ErrorData,
  nowMs: number,
  random: number,
): number | null {
  if (!error.retryable || failures >= spec.maxAttempts) return null;
  return nowMs + Math.max(retryDelayMs(spec, failures, random), error.retryAfterMs ?? 0);
}
