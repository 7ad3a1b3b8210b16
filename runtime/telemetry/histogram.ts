/** A histogram with fixed buckets: what a distribution costs is one addition per observation. */

/** What a histogram has counted, as data. */
export interface HistogramData {
  /** Upper bounds of the buckets, ascending; what is larger than the last falls into one more. */
  readonly bounds: readonly number[];
  /** Observations per bucket, one more than `bounds`. */
  readonly counts: readonly number[];
  /** Sum of all observations. */
  readonly sum: number;
}

/** Counts observations; it only grows. */
export class Histogram {
  readonly bounds: readonly number[];
  readonly #counts: number[];
  #sum = 0;

  constructor(bounds: readonly number[]) {
    this.bounds = bounds;
    this.#counts = new Array(bounds.length + 1).fill(0);
  }

  /** Sum of all observations. */
  get sum(): number {
    return this.#sum;
  }

  /** Counts `times` observations of `value`; a bound belongs to the bucket it closes. */
  add(value: number, times = 1): void {
    let bucket = 0;
    while (bucket < this.bounds.length && value > this.bounds[bucket]!) bucket += 1;
    this.#counts[bucket]! += times;
    this.#sum += value * times;
  }

  /** Adds what another one with the same bounds has counted, since it had counted `before`. */
  addData(data: Omit<HistogramData, "bounds">, before: Omit<HistogramData, "bounds"> | null): void {
    for (const [bucket, count] of data.counts.entries()) {
      if (bucket >= this.#counts.length) break;
      this.#counts[bucket]! += count - (before?.counts[bucket] ?? 0);
    }
    this.#sum += data.sum - (before?.sum ?? 0);
  }

  /** A copy of what was counted so far. */
  data(): HistogramData {
    return { bounds: this.bounds, counts: [...this.#counts], sum: this.#sum };
  }
}
