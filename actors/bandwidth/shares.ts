/**
 * What each agent may use of the rules at a moment: the rate of a rule is divided by the transfers that it
 * is about, wherever they run. Pure.
 */

import { bucketsOf, type Held } from "./matching.ts";
import type { RateSettings } from "./messages.ts";
import { rateAt } from "./rules.ts";

/** Bytes per second by rule or by bucket: `tenant/acme`, `host/files.example` ... */
export type Rates = Readonly<Record<string, number>>;

/** A transfer under way. */
export interface Running extends Held {
  readonly agent: string;
}

/** What the rules come to at a moment; one without bound is not in it. */
export function ratesAt(
  rules: Iterable<readonly [string, RateSettings]>,
  nowMs: number,
): Rates {
  const rates: Record<string, number> = {};
  for (const [key, rule] of rules) {
    const rate = rateAt(rule, nowMs);
    if (rate !== null) rates[key] = rate;
  }
  return rates;
}

/**
 * Who takes from which bucket, and with how many transfers. An agent that has had some a moment ago and has
 * none now counts for one: short ones come again.
 */
export class Takers {
  readonly #keepMs: number;
  /** By bucket and agent: when it took from it last, and with how many transfers. */
  readonly #seen = new Map<string, Map<string, { atMs: number; transfers: number }>>();
  readonly #rules = new Map<string, string>();

  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /** Looks at the transfers that run at `nowMs`. */
  look(rates: Rates, running: Iterable<Running>, nowMs: number): void {
    for (const byAgent of this.#seen.values()) {
      for (const taker of byAgent.values()) taker.transfers = 0;
    }
    for (const job of running) {
      for (
        const { bucket, rule } of bucketsOf(job, job.agent, (key) => Object.hasOwn(rates, key))
      ) {
        const byAgent = this.#seen.get(bucket) ?? new Map();
        const transfers = (byAgent.get(job.agent)?.transfers ?? 0) + 1;
        this.#seen.set(bucket, byAgent.set(job.agent, { atMs: nowMs, transfers }));
        this.#rules.set(bucket, rule);
      }
    }
    this.#forget(rates, nowMs);
  }

  /** What every agent that takes from a bucket may use of it. */
  shares(rates: Rates): Map<string, Rates> {
    const shares = new Map<string, Record<string, number>>();
    for (const [bucket, byAgent] of this.#seen) {
      const rate = rates[this.#rules.get(bucket)!]!;
      const weights = [...byAgent].map(([agent, { transfers }]) =>
        [agent, Math.max(1, transfers)] as const
      );
      const all = weights.reduce((sum, [, weight]) => sum + weight, 0);
      for (const [agent, weight] of weights) {
        shares.set(agent, { ...shares.get(agent), [bucket]: rate * weight / all });
      }
    }
    return shares;
  }

  #forget(rates: Rates, nowMs: number): void {
    for (const [bucket, byAgent] of this.#seen) {
      for (const [agent, { atMs }] of byAgent) {
        if (nowMs - atMs > this.#keepMs) byAgent.delete(agent);
      }
      const isOver = byAgent.size === 0 || !Object.hasOwn(rates, this.#rules.get(bucket)!);
      if (!isOver) continue;
      this.#seen.delete(bucket);
      this.#rules.delete(bucket);
    }
  }
}
