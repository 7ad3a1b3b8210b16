/**
 * What each agent may use of the rules at a moment: the rate of a rule is divided by the transfers that it
 * is about, wherever they run. Pure.
 */

import { bucketsOf, type Held } from "./matching.ts";
import { rateAt, type RateSettings } from "./rules.ts";

/** Bytes per second by bucket: `tenant/acme`, `host/files.example` ... */
export type Rates = Readonly<Record<string, number>>;

/** A transfer under way. */
export interface Running extends Held {
  readonly agent: string;
}

/** What every agent may use, by bucket; a bucket without bound is not in it. */
export function sharesAt(
  rules: Iterable<readonly [string, RateSettings]>,
  running: Iterable<Running>,
  nowMs: number,
): Map<string, Rates> {
  const rates = new Map<string, number>();
  for (const [key, rule] of rules) {
    const rate = rateAt(rule, nowMs);
    if (rate !== null) rates.set(key, rate);
  }
  if (rates.size === 0) return new Map();
  const buckets = new Map<string, { rate: number; all: number; byAgent: Map<string, number> }>();
  for (const job of running) {
    for (const { bucket, rule } of bucketsOf(job, job.agent, (key) => rates.has(key))) {
      const found = buckets.get(bucket) ??
        { rate: rates.get(rule)!, all: 0, byAgent: new Map<string, number>() };
      found.all += 1;
      found.byAgent.set(job.agent, (found.byAgent.get(job.agent) ?? 0) + 1);
      buckets.set(bucket, found);
    }
  }
  const shares = new Map<string, Record<string, number>>();
  for (const [bucket, { rate, all, byAgent }] of buckets) {
    for (const [agent, count] of byAgent) {
      const own = shares.get(agent) ?? {};
      own[bucket] = rate * count / all;
      shares.set(agent, own);
    }
  }
  return shares;
}
