/**
 * The durable log of one member: orders that wait together are one write and one sync. The formats and
 * what is refused: DESIGN.md, "The log on disk".
 */

import { assert } from "../../base/assert.ts";
import type { DiskLock } from "../../env/env.ts";
import { limitValues } from "../../base/limits.ts";
import { STORE_LIMITS } from "../../store/limits.ts";
import { entryBytes } from "../core/entry.ts";
import type { Restored } from "../core/options.ts";
import type { PersistOrder } from "../core/outputs.ts";
import { RaftError } from "../errors.ts";
import type { RaftLogStore } from "../storage.ts";
import { diskFailed, diskFull } from "./log_errors.ts";
import type { RaftLogEnv, RaftLogOptions } from "./log_options.ts";
import type { LogEnd } from "./log_state.ts";
import { Plan } from "./plan.ts";
import type { SegmentWriter } from "./segment_writer.ts";
import type { Spares } from "./spares.ts";

const BATCH_BYTES = limitValues(STORE_LIMITS).batchBytes;
/** Kept back for orders without entries: votes and terms must find room. */
const KEPT_SEGMENTS = 1;

interface Waiting {
  readonly order: PersistOrder;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** What an open log is made of. */
export interface LogParts {
  readonly env: RaftLogEnv;
  readonly options: RaftLogOptions;
  readonly lock: DiskLock;
  readonly writer: SegmentWriter;
  readonly spares: Spares;
  readonly end: LogEnd;
}

/** See the head of this file. */
export class FileRaftLog implements RaftLogStore {
  readonly #parts: LogParts;
  #restored: Restored | null = null;
  #end: LogEnd;
  #waiting: Waiting[] = [];
  #pump: Promise<void> | null = null;
  #isMarkDue = false;
  /** Orders that a full disk refused: none with a higher number may change the log before them. */
  readonly #refused = new Set<number>();
  /** Of the newest durable hard state: an order that is tried again brings back no older one. */
  #hardStateNumber = -1;
  #compactThrough = 0;
  /** Settles when the last order was written or refused, and so all before it. */
  #lastOrder: Promise<void> = Promise.resolve();
  #compacting: Promise<void> = Promise.resolve();
  #failure: RaftError | null = null;
  #closed: Promise<void> | null = null;

  constructor(parts: LogParts) {
    this.#parts = parts;
    this.#end = parts.end;
  }

  get restored(): Restored {
    assert(this.#restored !== null, "what the log held is taken before the log is written to");
    return this.#restored;
  }

  /** Says what the disk held; the first order lets it go. */
  begin(restored: Restored): this {
    this.#restored = restored;
    return this;
  }

  persist(order: PersistOrder): Promise<void> {
    const refusal = this.#unusable("write to");
    if (refusal !== null) return Promise.reject(refusal);
    this.#restored = null;
    const work = new Promise<void>((resolve, reject) => {
      this.#waiting.push({ order, resolve, reject });
      this.#pump ??= this.#flushAll();
    });
    this.#lastOrder = work.catch(() => {});
    return work;
  }

  compact(index: number): Promise<void> {
    const refusal = this.#unusable("compact");
    if (refusal !== null) return Promise.reject(refusal);
    return this.#remove(index);
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    const { writer, spares, lock } = this.#parts;
    while (this.#pump !== null) await this.#pump;
    await this.#compacting;
    await spares.settled();
    try {
      if (this.#failure === null) {
        await writer.mark();
        await writer.sync();
      }
    } catch (thrown) {
      throw this.#break(thrown);
    } finally {
      await writer.close();
      await lock.release();
    }
  }

  /** Writes batch after batch until nothing waits; the turn of a microtask gathers the first batch. */
  async #flushAll(): Promise<void> {
    await null;
    try {
      while (this.#waiting.length > 0) await this.#flush(this.#takeBatch());
    } catch (thrown) {
      this.#break(thrown);
    }
    this.#pump = null;
    this.#markSoon();
  }

  /** A turn later, if nothing is written by then: what was just confirmed leaves before the mark. */
  #markSoon(): void {
    if (this.#isMarkDue) return;
    this.#isMarkDue = true;
    this.#parts.env.timers.soon(() => {
      this.#isMarkDue = false;
      if (this.#pump === null && this.#unusable("mark") === null) this.#pump = this.#mark();
    });
  }

  async #mark(): Promise<void> {
    try {
      await this.#parts.writer.mark();
    } catch (thrown) {
      this.#break(thrown);
    }
    this.#pump = this.#waiting.length > 0 ? this.#flushAll() : null;
  }

  async #flush(batch: readonly Waiting[]): Promise<void> {
    const { writer, options, spares } = this.#parts;
    const plan = new Plan(this.#end, writer.room, options.limits.segmentBytes);
    const accepted: Waiting[] = [];
    try {
      for (const waiting of batch) if (await this.#accept(plan, waiting)) accepted.push(waiting);
      if (!plan.isEmpty) await writer.write(plan);
    } catch (thrown) {
      const error = this.#break(thrown);
      for (const { reject } of batch) reject(error);
      return;
    }
    this.#end = plan.end;
    for (const { resolve } of accepted) resolve();
    if (plan.parts.length > 1) spares.refill();
    if (accepted.some(({ order }) => order.reset !== null)) this.#remove(0).catch(() => {});
  }

  /** Adds an order to the plan; false where it was refused for want of space. */
  async #accept(plan: Plan, { order, reject }: Waiting): Promise<boolean> {
    const { number, reset, entries } = order;
    const isLong = entries.length > 0;
    const before = plan.mark();
    const hardState = number < this.#hardStateNumber ? null : order.hardState;
    try {
      this.#assertInLine(plan, order);
      plan.add({ reset, hardState, entries });
      await this.#provide(plan, isLong);
    } catch (thrown) {
      if (!(thrown instanceof RaftError && thrown.code === "DiskFull")) throw thrown;
      plan.backTo(before);
      this.#refused.add(number);
      reject(thrown);
      return false;
    }
    this.#refused.delete(number);
    if (hardState !== null) this.#hardStateNumber = number;
    return true;
  }

  async #provide(plan: Plan, isLong: boolean): Promise<void> {
    const sizes = plan.newSegmentSizes;
    if (sizes.length === 0) return;
    const kept = isLong ? new Array<number>(KEPT_SEGMENTS).fill(0) : [];
    await this.#parts.spares.provide([...sizes, ...kept]);
  }

  /** After a refusal only hard states may overtake; entries never leave a gap. */
  #assertInLine(plan: Plan, { number, reset, entries }: PersistOrder): void {
    if (reset === null && entries.length === 0) return;
    for (const refused of this.#refused) {
      if (refused >= number) continue;
      throw diskFull(`write order ${number} to the log before order ${refused}`, undefined);
    }
    const last = reset?.index ?? plan.end.lastIndex;
    const base = reset?.index ?? plan.end.base.index;
    let next = entries[0]?.index ?? last + 1;
    assert(next <= last + 1 && next > base, `entry ${next} follows entry ${last} of the log`);
    for (const { index } of entries) assert(index === next++, "the entries of an order follow");
  }

  #takeBatch(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const { order } of this.#waiting) {
      for (const entry of order.entries) bytes += entryBytes(entry);
      if (count > 0 && bytes > BATCH_BYTES) break;
      count += 1;
    }
    return this.#waiting.splice(0, count);
  }

  /**
   * Only after the orders that came before it: a snapshot may stand on entries that are applied and not
   * durable here, and what they replace must not be all that is left of the log.
   */
  #remove(through: number): Promise<void> {
    const work = Promise.all([this.#lastOrder, this.#compacting]).then(() => {
      if (this.#refused.size > 0) return;
      this.#compactThrough = Math.max(this.#compactThrough, through);
      return this.#removeSegments();
    });
    this.#compacting = work.catch(() => {});
    return work;
  }

  /** From the oldest on, each removal durable before the next: a gap would look like a lost file. */
  async #removeSegments(): Promise<void> {
    const { writer, env, options: { folder } } = this.#parts;
    const { segments } = writer;
    while (writer.isSpent(segments[0]!, this.#compactThrough)) {
      // Of two removals that are not durable a power loss may keep the second.
      if (this.#failure !== null) throw this.#failure;
      const { path } = segments[0]!;
      try {
        await env.disk.remove(path);
        segments.shift();
        await env.disk.syncDirectory(folder);
      } catch (thrown) {
        throw this.#break(thrown);
      }
    }
  }

  #break(thrown: unknown): RaftError {
    this.#failure ??= diskFailed(`write the log in ${this.#parts.options.folder}`, thrown);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
    return this.#failure;
  }

  #unusable(verb: string): RaftError | null {
    if (this.#failure !== null) return this.#failure;
    if (this.#closed === null) return null;
    const { folder } = this.#parts.options;
    return new RaftError(
      "Stopped",
      `cannot ${verb} the log in ${folder}: it is closed; open it again`,
    );
  }
}
