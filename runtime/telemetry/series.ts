/**
 * Counts and distributions by labels, with a bound on how many there are: what comes beyond it shares
 * the series `other`, so that nobody's names can fill the memory of a node or of its Prometheus.
 */

import { limitValues } from "../base/limits.ts";
import { Histogram } from "./histogram.ts";
import { TELEMETRY_LIMITS } from "./limits.ts";
import type { HistogramSample, Labels, Metric, Sample } from "./prometheus.ts";

/** What a label says of all that have no series of their own. */
export const OTHER = "other";

/** The values of a label that have series of their own: the first ones that came. */
export class LabelValues {
  readonly #most: number;
  readonly #known = new Set<string>();

  constructor(most: number = limitValues(TELEMETRY_LIMITS).labelValues) {
    this.#most = most;
  }

  /** The value itself, or {@link OTHER}. */
  of(value: string): string {
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#most) return OTHER;
    this.#known.add(value);
    return value;
  }
}

/** Things by their labels, which all have the same names. */
class Series<T> {
  readonly #most: number;
  readonly #create: () => T;
  readonly #all = new Map<string, { readonly labels: Labels; readonly of: T }>();

  constructor(most: number, create: () => T) {
    this.#most = most;
    this.#create = create;
  }

  at(labels: Labels): T {
    const key = Object.values(labels).join("\u0000");
    const known = this.#all.get(key);
    if (known !== undefined) return known.of;
    if (this.#all.size < this.#most) return this.#add(key, labels);
    const others = Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]));
    const otherKey = Object.values(others).join("\u0000");
    return this.#all.get(otherKey)?.of ?? this.#add(otherKey, others);
  }

  *all() {
    yield* this.#all.values();
  }

  #add(key: string, labels: Labels): T {
    const of = this.#create();
    this.#all.set(key, { labels, of });
    return of;
  }
}

/** What a metric of many series is called, and what all of them are labelled with. */
export interface SeriesOptions {
  /** Without `_total`: a counter adds it. */
  readonly name: string;
  readonly help: string;
  /** Series of their own at most. */
  readonly most?: number;
}

/** Counts that only grow. */
export class LabelledCounter {
  readonly #options: SeriesOptions;
  readonly #series: Series<{ value: number }>;

  constructor(options: SeriesOptions) {
    this.#options = options;
    const { most = limitValues(TELEMETRY_LIMITS).series } = options;
    this.#series = new Series(most, () => ({ value: 0 }));
  }

  /** Adds to one series. */
  add(labels: Labels, by = 1): void {
    this.#series.at(labels).value += by;
  }

  /** What was counted, each labelled with the node too. */
  metric(node: string): Metric {
    const { name, help } = this.#options;
    const samples: Sample[] = [...this.#series.all()].map(({ labels, of }) => {
      return { labels: { node, ...labels }, value: of.value };
    });
    return { name: `${name}_total`, help, type: "counter", samples };
  }
}

/** Distributions. */
export class LabelledHistogram {
  readonly #options: SeriesOptions;
  readonly #series: Series<Histogram>;

  /** All have the same `bounds`. */
  constructor(options: SeriesOptions, bounds: readonly number[]) {
    this.#options = options;
    const { most = limitValues(TELEMETRY_LIMITS).series } = options;
    this.#series = new Series(most, () => new Histogram(bounds));
  }

  /** Counts an observation of one series. */
  add(labels: Labels, value: number): void {
    this.#series.at(labels).add(value);
  }

  /** What was counted, each labelled with the node too. */
  metric(node: string): Metric {
    const { name, help } = this.#options;
    const samples: HistogramSample[] = [...this.#series.all()].map(({ labels, of }) => {
      return { labels: { node, ...labels }, ...of.data() };
    });
    return { name, help, type: "histogram", samples };
  }
}

/** Bounds for durations in seconds, from a millisecond to an hour. */
export const DURATION_SECONDS: readonly number[] = [
  ...[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5],
  ...[1, 2.5, 5, 10, 30, 60, 300, 900, 3_600],
];
