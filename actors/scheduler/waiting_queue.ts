/**
 * The jobs that wait, put together by what can be done for them: jobs of one bucket are alike in tenant,
 * class, hosts and shape, so that a pass looks at buckets, and never at every job.
 */

import { type Demand, isBefore, type Shape } from "./demand.ts";
import { Heap } from "./heap.ts";
import { WaitingLine } from "./waiting_line.ts";

/** Jobs that could all be taken by the same agents, the longest waiting one first. */
export interface Bucket {
  readonly tenant: string;
  readonly rank: number;
  readonly shape: Shape;
  readonly sourceHost: string | null;
  readonly destinationHost: string | null;
  readonly line: WaitingLine;
}

/** What a pass reads of the queue. */
export interface Waiting {
  /** Jobs that wait for an agent now, by tenant and bucket. */
  readonly tenants: ReadonlyMap<string, ReadonlyMap<string, Bucket>>;
  /** When the next one will; null: all do, or nobody waits. */
  readonly wakeAtMs: number | null;
}

/** The queue of one scheduler. */
export class WaitingQueue implements Waiting {
  readonly tenants = new Map<string, Map<string, Bucket>>();
  readonly #demands = new Map<string, Demand>();
  /** Those whose time has not come. */
  readonly #later = new Set<Demand>();
  readonly #alarms = new Heap<Demand>((a, b) => timeOf(a) < timeOf(b));
  readonly #shapes = new Map<string, { shape: Shape; used: number }>();

  get size(): number {
    return this.#demands.size;
  }

  get wakeAtMs(): number | null {
    this.#dropSpentAlarms();
    const next = this.#alarms.peek();
    return next === undefined ? null : timeOf(next);
  }

  find(jobId: string): Demand | null {
    return this.#demands.get(jobId) ?? null;
  }

  demands(): IterableIterator<Demand> {
    return this.#demands.values();
  }

  /** Takes a job in, in the place of what was known of it; its time may not have come yet. */
  put(wanted: Demand): void {
    const known = this.#demands.get(wanted.jobId);
    if (known !== undefined) {
      if (isSame(known, wanted)) return;
      this.remove(wanted.jobId);
    }
    const demand = { ...wanted, shape: this.#share(wanted.shape) };
    this.#demands.set(demand.jobId, demand);
    if (demand.notBeforeMs === null) this.#join(demand);
    else {
      this.#later.add(demand);
      this.#alarms.push(demand);
    }
  }

  remove(jobId: string): void {
    const demand = this.#demands.get(jobId);
    if (demand === undefined) return;
    this.#demands.delete(jobId);
    this.#release(demand.shape);
    if (!this.#later.delete(demand)) this.#leave(demand);
  }

  /** Those whose time has come wait for an agent from now on. */
  ripen(nowMs: number): void {
    for (;;) {
      this.#dropSpentAlarms();
      const next = this.#alarms.peek();
      if (next === undefined || timeOf(next) > nowMs) return;
      this.#alarms.pop();
      this.#later.delete(next);
      this.#join(next);
    }
  }

  #dropSpentAlarms(): void {
    for (;;) {
      const next = this.#alarms.peek();
      if (next === undefined || this.#later.has(next)) return;
      this.#alarms.pop();
    }
  }

  #join(demand: Demand): void {
    const { tenant, rank, shape, sourceHost, destinationHost } = demand;
    let buckets = this.tenants.get(tenant);
    if (buckets === undefined) this.tenants.set(tenant, buckets = new Map());
    const key = bucketKey(demand);
    let bucket = buckets.get(key);
    if (bucket === undefined) {
      const line = new WaitingLine();
      bucket = { tenant, rank, shape, sourceHost, destinationHost, line };
      buckets.set(key, bucket);
    }
    bucket.line.add(demand);
  }

  #leave(demand: Demand): void {
    const buckets = this.tenants.get(demand.tenant);
    const key = bucketKey(demand);
    const bucket = buckets?.get(key);
    if (buckets === undefined || bucket === undefined) return;
    bucket.line.remove(demand);
    if (bucket.line.size > 0) return;
    buckets.delete(key);
    if (buckets.size === 0) this.tenants.delete(demand.tenant);
  }

  /** Equal shapes become one value, so that what is known of a shape is known for all its jobs. */
  #share(shape: Shape): Shape {
    const known = this.#shapes.get(shape.key);
    if (known === undefined) this.#shapes.set(shape.key, { shape, used: 1 });
    else known.used += 1;
    return known?.shape ?? shape;
  }

  #release(shape: Shape): void {
    const known = this.#shapes.get(shape.key);
    if (known === undefined) return;
    known.used -= 1;
    if (known.used === 0) this.#shapes.delete(shape.key);
  }
}

function timeOf({ notBeforeMs }: Demand): number {
  return notBeforeMs ?? 0;
}

function bucketKey({ rank, shape, sourceHost, destinationHost }: Demand): string {
  return `${rank} ${sourceHost ?? ""} ${destinationHost ?? ""} ${shape.key}`;
}

function isSame(a: Demand, b: Demand): boolean {
  return !isBefore(a, b) && !isBefore(b, a) && a.notBeforeMs === b.notBeforeMs &&
    a.tenant === b.tenant && bucketKey(a) === bucketKey(b);
}
