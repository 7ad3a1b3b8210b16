/** What an agent may use of the bandwidth, divided among its threads by the transfers that each has. */

import type { NamedRates, Throttles } from "../../protocols/wrappers/throttle.ts";
import { bucketNames } from "../bandwidth/matching.ts";
import type { Job } from "../job/record.ts";
import type { Roster } from "./workers/roster.ts";

const HERE = "";

/** See the file's comment. */
export class OwnRates {
  readonly #throttles: Throttles;
  readonly #roster: Roster | null;
  #rates: NamedRates = {};
  /** What each Worker was told last, as text. */
  #told = new Map<string, string>();

  constructor(throttles: Throttles, roster: Roster | null) {
    this.#throttles = throttles;
    this.#roster = roster;
  }

  /** From now on these, for the transfers that are under way. */
  set(rates: NamedRates, running: readonly Job[]): void {
    this.#rates = rates;
    this.divide(running);
  }

  /** The same rates, for the transfers that are under way now. */
  divide(running: readonly Job[]): void {
    const roster = this.#roster;
    if (roster === null) return this.#throttles.set(this.#rates);
    const shares = sharesOf(this.#rates, running, (id) => roster.placeOf(id)?.id ?? HERE);
    this.#throttles.set(shares.get(HERE) ?? {});
    const told = new Map<string, string>();
    for (const { id, bench } of roster.lives()) {
      const rates = shares.get(id) ?? {};
      const text = JSON.stringify(rates);
      const isKnown = this.#told.get(id) === text;
      if (isKnown || bench.tell("rates", { rates }) === "accepted") told.set(id, text);
    }
    this.#told = told;
  }
}

/** Pure: the rate of each bucket, by the transfers of each place that take from it. */
export function sharesOf(
  rates: NamedRates,
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
  for (const [bucket, rate] of Object.entries(rates)) {
    const byPlace = counts.get(bucket) ?? new Map<string, number>();
    const all = [...byPlace.values()].reduce((sum, count) => sum + count, 0);
    for (const [place, count] of byPlace) {
      shares.set(place, { ...shares.get(place), [bucket]: rate * count / all });
    }
  }
  return shares;
}
