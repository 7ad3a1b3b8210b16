/** What an agent may use of the bandwidth, divided among its threads by the transfers that each has. */

import type { Throttles } from "../../protocols/wrappers/throttle.ts";
import { bucketNames } from "../bandwidth/matching.ts";
import { ruleFor } from "../bandwidth/rules.ts";
import type { Job } from "../job/record.ts";
import type { Bandwidth } from "./messages.ts";
import type { Roster } from "./workers/roster.ts";

const HERE = "";

/** See the file's comment. */
export class OwnRates {
  readonly #throttles: Throttles;
  readonly #roster: Roster | null;
  #told: Bandwidth = { rules: {}, shares: {} };
  /** What each Worker was told last, as text. */
  #toldWorkers = new Map<string, string>();

  constructor(throttles: Throttles, roster: Roster | null) {
    this.#throttles = throttles;
    this.#roster = roster;
  }

  /** From now on these, for the transfers that are under way. */
  set(told: Bandwidth, running: readonly Job[]): void {
    this.#told = told;
    this.divide(running);
  }

  /** The same rates, for the transfers that are under way now. */
  divide(running: readonly Job[]): void {
    const told = this.#told;
    const roster = this.#roster;
    if (roster === null) return this.#throttles.set((name) => rateOf(told, name));
    const shares = sharesOf(told, running, (id) => roster.placeOf(id)?.id ?? HERE);
    const own = (place: string) => ({ rules: told.rules, shares: shares.get(place) ?? {} });
    const here = own(HERE);
    this.#throttles.set((name) => rateOf(here, name));
    const toldWorkers = new Map<string, string>();
    for (const { id, bench } of roster.lives()) {
      const text = JSON.stringify(own(id));
      const isKnown = this.#toldWorkers.get(id) === text;
      if (isKnown || bench.tell("rates", own(id)) === "accepted") toldWorkers.set(id, text);
    }
    this.#toldWorkers = toldWorkers;
  }
}

/** Pure: the rate of a bucket. Where nobody has said what is its own, the rule is, until somebody does. */
export function rateOf({ rules, shares }: Bandwidth, bucket: string): number | undefined {
  if (shares[bucket] !== undefined) return shares[bucket];
  const rule = ruleFor(bucket, (key) => rules[key] !== undefined);
  return rule === null ? undefined : rules[rule];
}

/** Pure: the rate of each bucket, by the transfers of each place that take from it. */
export function sharesOf(
  told: Bandwidth,
  running: readonly Job[],
  placeOf: (jobId: string) => string,
): Map<string, Record<string, number>> {
  const counts = new Map<string, Map<string, number>>();
  for (const job of running) {
    if (job.lease === null) continue;
    const place = placeOf(job.id);
    for (const bucket of bucketNames(job, job.lease.agent)) {
      const byPlace = counts.get(bucket) ?? new Map<string, number>();
      counts.set(bucket, byPlace.set(place, (byPlace.get(place) ?? 0) + 1));
    }
  }
  const shares = new Map<string, Record<string, number>>();
  for (const [bucket, byPlace] of counts) {
    const rate = rateOf(told, bucket);
    if (rate === undefined) continue;
    const all = [...byPlace.values()].reduce((sum, count) => sum + count, 0);
    for (const [place, count] of byPlace) {
      shares.set(place, { ...shares.get(place), [bucket]: rate * count / all });
    }
  }
  return shares;
}
