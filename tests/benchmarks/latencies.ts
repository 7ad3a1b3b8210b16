/** Many latencies in little memory: counts of classes that are 2 % wide, to be added up over processes. */

const WIDTH = Math.log(1.02);
const LEAST_MS = 0.01;

/** Counts by class; what a process says of itself. */
export type LatencyCounts = readonly (readonly [number, number])[];

/** See the file's comment. */
export class Latencies {
  readonly #counts = new Map<number, number>();
  count = 0;

  add(ms: number, times = 1): void {
    const at = Math.round(Math.log(Math.max(LEAST_MS, ms) / LEAST_MS) / WIDTH);
    this.#counts.set(at, (this.#counts.get(at) ?? 0) + times);
    this.count += times;
  }

  merge(counts: LatencyCounts): void {
    for (const [at, times] of counts) this.add(LEAST_MS * Math.exp(at * WIDTH), times);
  }

  /** In ms; NaN where there are none. */
  quantile(share: number): number {
    const sorted = [...this.#counts].sort(([a], [b]) => a - b);
    let left = Math.floor(share * Math.max(0, this.count - 1)) + 1;
    for (const [at, times] of sorted) {
      left -= times;
      if (left <= 0) return LEAST_MS * Math.exp(at * WIDTH);
    }
    return NaN;
  }

  get counts(): LatencyCounts {
    return [...this.#counts];
  }
}
