/** One pass of the policy (`schedule.ts`): what it looks at, and what it has given away so far. */

import { Book, type HostsView, type TenantView } from "./book.ts";
import { type Demand, isBefore, PRIORITIES } from "./demand.ts";
import type { FleetView } from "./fleet.ts";
import { Heap } from "./heap.ts";
import type { SchedulerLimits } from "./limits.ts";
import { Placing, type RunLeases } from "./placing.ts";
import type { Bucket, Waiting } from "./waiting_queue.ts";

/** All that the policy looks at. */
export interface PassInput {
  readonly fleet: FleetView;
  readonly queue: Waiting;
  readonly hosts: HostsView;
  readonly tenant: (name: string) => TenantView;
  /** Moved lately by all tenants together. */
  readonly totalBytes: number;
  readonly runLeases: RunLeases;
  /** When a tenant's overdue job went first the last time; `-Infinity`: never. */
  readonly overdueServedMs: (tenant: string) => number;
  readonly limits: SchedulerLimits;
  readonly nowMs: number;
}

/** The first of a bucket that is not given away in this pass. */
export interface Head {
  readonly bucket: Bucket;
  readonly demand: Demand;
  /** The place behind it. */
  readonly next: number;
}

/** One tenant's heads in one class. */
interface Share {
  readonly tenant: string;
  readonly view: TenantView;
  readonly heads: Heap<Head>;
  /** Not in order yet: often no slot is left when it is the turn of their class. */
  readonly unordered: Head[];
  use: number;
}

/** Who gets a job; `reader`: who reads its source for that agent. */
export interface Assignment {
  readonly jobId: string;
  readonly agent: string;
  readonly reader?: string;
}

/** What one pass has done so far. */
export class Pass {
  readonly assignments: Assignment[] = [];
  readonly book: Book;
  readonly #input: PassInput;
  readonly #placing: Placing;
  /** Where the heads of buckets are that this pass has taken from. */
  readonly #places = new Map<Bucket, number>();
  readonly #classes: Map<string, Share>[] = PRIORITIES.map(() => new Map());
  /** The class whose turn it is. */
  #served: Map<string, Share> | null = null;

  constructor(input: PassInput) {
    this.#input = input;
    this.book = new Book(input.fleet, input.hosts, input.totalBytes);
    this.#placing = new Placing(input.fleet, this.book, input.runLeases);
  }

  get isOver(): boolean {
    return this.book.isSpent || this.assignments.length >= this.#input.limits.assignments;
  }

  /** The first of a bucket that is still to be had. */
  head(bucket: Bucket): Head | null {
    const begin = this.#places.size === 0 ? 0 : this.#places.get(bucket) ?? 0;
    const place = bucket.line.placeFrom(begin);
    return place < 0 ? null : { bucket, demand: bucket.line.at(place), next: place + 1 };
  }

  /** Gives a job away, if it has hosts and an agent. */
  place({ bucket, demand, next }: Head): boolean {
    if (!this.book.hasHosts(bucket)) return false;
    const member = this.#placing.best(bucket);
    const relay = member === null ? this.#placing.bestRelay(bucket) : { member, reader: null };
    if (relay === null) return false;
    this.book.take(bucket, relay.member, relay.reader);
    this.#places.set(bucket, next);
    this.assignments.push({
      jobId: demand.jobId,
      agent: relay.member.candidate.agent,
      ...(relay.reader === null ? {} : { reader: relay.reader.candidate.agent }),
    });
    return true;
  }

  byClass(): void {
    if (this.isOver) return;
    for (const [tenant, buckets] of this.#input.queue.tenants) {
      const view = this.#input.tenant(tenant);
      if (!this.book.mayRunMore(tenant, view)) continue;
      for (const bucket of buckets.values()) this.#enter(bucket, view);
    }
    for (let urgency = PRIORITIES.length - 1; urgency >= 0; urgency--) this.#serve(urgency);
  }

  /** Puts a bucket's head into the class that it has risen to. */
  #enter(bucket: Bucket, view: TenantView): void {
    if (!this.book.hasHosts(bucket)) return;
    const head = this.head(bucket);
    if (head === null) return;
    const { limits, nowMs } = this.#input;
    const shares = this.#classes[classOf(head.demand, view.ceiling, nowMs, limits.ageMs)]!;
    let share = shares.get(bucket.tenant);
    if (share === undefined) {
      const use = this.book.use(bucket.tenant, view);
      const heads = new Heap<Head>(isOlder);
      share = { tenant: bucket.tenant, view, heads, unordered: [], use };
      shares.set(bucket.tenant, share);
    }
    if (shares === this.#served) share.heads.push(head);
    else share.unordered.push(head);
  }

  #serve(urgency: number): void {
    if (this.isOver) return;
    const shares = new Heap<Share>(hasUsedLess);
    this.#served = this.#classes[urgency]!;
    for (const share of this.#served.values()) {
      for (const head of share.unordered) share.heads.push(head);
      share.use = this.book.use(share.tenant, share.view);
      shares.push(share);
    }
    for (let share = shares.pop(); share !== undefined && !this.isOver; share = shares.pop()) {
      if (!this.book.mayRunMore(share.tenant, share.view)) continue;
      const head = share.heads.pop();
      if (head === undefined) continue;
      // A head that could not be placed takes its bucket out: room only gets less in a pass.
      if (this.place(head)) this.#enter(head.bucket, share.view);
      share.use = this.book.use(share.tenant, share.view);
      if (share.heads.size > 0) shares.push(share);
    }
  }
}

/** The class of a job that waits: its own, at most its tenant's ceiling, and one more for each `ageMs`. */
export function classOf(demand: Demand, ceiling: number, nowMs: number, ageMs: number): number {
  const risen = Math.floor(Math.max(0, nowMs - demand.sinceMs) / ageMs);
  return Math.min(PRIORITIES.length - 1, Math.min(demand.rank, ceiling) + risen);
}

function isOlder(a: Head, b: Head): boolean {
  return isBefore(a.demand, b.demand);
}

function hasUsedLess(a: Share, b: Share): boolean {
  if (a.use !== b.use) return a.use < b.use;
  const [first, second] = [a.heads.peek(), b.heads.peek()];
  return first !== undefined && second !== undefined && isOlder(first, second);
}
