/**
 * An append-only durable log on `Env.disk`.
 *
 * `append` gives a record its index at once; `durable` resolves when it is on the device. All records
 * that wait share the next batch: one write, one sync. A disk error breaks the journal for good, since
 * after a failed sync nobody knows what the device has (fsyncgate, 2018).
 */

import { assert } from "../base/assert.ts";
import { limitValues } from "../base/limits.ts";
import { messageOf } from "../base/errors.ts";
import { DiskError } from "../env/errors.ts";
import { JournalError } from "./journal_error.ts";
import { RECORD_HEAD_BYTES } from "./journal_format.ts";
import {
  corrupt,
  isUnfinished,
  type JournalEnv,
  type JournalLimits,
  type JournalRecord,
  listSegments,
  recordsOf,
  type ScannedSegment,
  scanSegment,
  type Segment,
} from "./journal_scan.ts";
import { SegmentWriter } from "./journal_writer.ts";
import { STORE_LIMITS } from "./limits.ts";

/** How a journal is opened. */
export interface JournalOptions {
  readonly limits?: Partial<JournalLimits>;
  /** `false` skips every sync: records survive the process, not the power. Default `true`. */
  readonly sync?: boolean;
}

/** An open journal; one process per directory (the caller holds a lock). */
export interface Journal {
  /** The first index that is kept; greater than `lastIndex` if there is none. */
  readonly firstIndex: number;
  /** The index of the last record appended, durable or not; 0 before the first. */
  readonly lastIndex: number;
  /** Adds a record and gives its index, contiguous from 1. The bytes must not change until it is durable. */
  append(record: Uint8Array): number;
  /** Resolves when all records through `index` are durable; rejects with {@link JournalError}. */
  durable(index: number): Promise<void>;
  /** The durable records in order, as of when the iteration begins; also of a broken journal. */
  readonly replay: AsyncIterable<JournalRecord>;
  /** Removes whole segments whose records are all before `index`. */
  dropBefore(index: number): Promise<void>;
  /** Writes what waits and closes the files. Idempotent. */
  close(): Promise<void>;
}

interface Waiter {
  readonly index: number;
  readonly resolve: () => void;
  readonly reject: (error: JournalError) => void;
}

class FileJournal implements Journal {
  readonly #env: JournalEnv;
  readonly #limits: JournalLimits;
  readonly #writer: SegmentWriter;
  readonly #segments: Segment[];
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #waiters: Waiter[] = [];
  #lastIndex: number;
  #durableThrough: number;
  #pump: Promise<void> | null = null;
  #failure: JournalError | null = null;
  #closed: Promise<void> | null = null;

  constructor(
    env: JournalEnv,
    limits: JournalLimits,
    writer: SegmentWriter,
    segments: Segment[],
    lastIndex: number,
  ) {
    this.#env = env;
    this.#limits = limits;
    this.#writer = writer;
    this.#segments = segments;
    this.#lastIndex = lastIndex;
    this.#durableThrough = lastIndex;
  }

  get firstIndex(): number {
    return this.#segments[0]!.firstIndex;
  }

  get lastIndex(): number {
    return this.#lastIndex;
  }

  get replay(): AsyncIterable<JournalRecord> {
    return { [Symbol.asyncIterator]: () => this.#replay() };
  }

  append(record: Uint8Array): number {
    this.#assertUsable("append to");
    if (record.length > this.#limits.recordBytes) {
      throw new JournalError(
        "tooLarge",
        `cannot append a record of ${record.length} B: the limit recordBytes is ${this.#limits.recordBytes}; split it`,
      );
    }
    if (this.#pendingBytes + record.length > this.#limits.pendingBytes) {
      throw new JournalError(
        "full",
        `cannot append: ${this.#pendingBytes} B wait for the disk (limit pendingBytes); wait for durable()`,
        { retryable: true },
      );
    }
    this.#pending.push(record);
    this.#pendingBytes += record.length;
    this.#lastIndex += 1;
    this.#pump ??= this.#flushAll();
    return this.#lastIndex;
  }

  durable(index: number): Promise<void> {
    assert(index <= this.#lastIndex, `record ${index} was appended`);
    if (index <= this.#durableThrough) return Promise.resolve();
    if (this.#failure !== null) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => this.#waiters.push({ index, resolve, reject }));
  }

  async dropBefore(index: number): Promise<void> {
    this.#assertUsable("drop records of");
    while (this.#segments.length > 1 && this.#segments[1]!.firstIndex <= index) {
      const [oldest] = this.#segments;
      await this.#env.disk.remove(oldest!.path);
      this.#segments.shift();
    }
    await this.#writer.syncDirectory();
  }

  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    await this.#pump;
    await this.#writer.close();
  }

  /** Writes batch after batch until nothing waits; the turn of a microtask gathers the first batch. */
  async #flushAll(): Promise<void> {
    await null;
    try {
      while (this.#pending.length > 0) await this.#flush();
    } catch (thrown) {
      this.#break(thrown);
    }
    this.#pump = null;
  }

  async #flush(): Promise<void> {
    const batch = this.#takeBatch();
    const firstIndex = this.#durableThrough + 1;
    const made = await this.#writer.write(batch, firstIndex);
    if (made !== null) this.#segments.push(made);
    this.#durableThrough += batch.length;
    this.#settleWaiters();
  }

  #takeBatch(): Uint8Array[] {
    let bytes = 0;
    let count = 0;
    for (const record of this.#pending) {
      const more = record.length + RECORD_HEAD_BYTES;
      if (count > 0 && bytes + more > this.#limits.batchBytes) break;
      bytes += more;
      count += 1;
    }
    this.#pendingBytes -= bytes - count * RECORD_HEAD_BYTES;
    return this.#pending.splice(0, count);
  }

  #settleWaiters(): void {
    const waiting: Waiter[] = [];
    for (const waiter of this.#waiters) {
      if (waiter.index <= this.#durableThrough) waiter.resolve();
      else waiting.push(waiter);
    }
    this.#waiters = waiting;
  }

  #break(thrown: unknown): void {
    const isFull = thrown instanceof DiskError && thrown.code === "noSpace";
    this.#failure = new JournalError(
      isFull ? "noSpace" : "broken",
      `the journal takes no more records: ${messageOf(thrown)}; ${
        isFull ? "free space" : "check the disk"
      }, then restart (what was not acknowledged may or may not be kept)`,
      { cause: thrown, definite: false },
    );
    this.#pending = [];
    this.#pendingBytes = 0;
    for (const waiter of this.#waiters) waiter.reject(this.#failure);
    this.#waiters = [];
  }

  async *#replay(): AsyncGenerator<JournalRecord, void, undefined> {
    const through = this.#durableThrough;
    const segments = [...this.#segments];
    for (const [position, segment] of segments.entries()) {
      const last = Math.min(through, (segments[position + 1]?.firstIndex ?? Infinity) - 1);
      if (last >= segment.firstIndex) yield* recordsOf(this.#env, segment, last, this.#limits);
    }
  }

  #assertUsable(verb: string): void {
    if (this.#failure !== null) throw this.#failure;
    if (this.#closed === null) return;
    throw new JournalError("closed", `cannot ${verb} the journal: it is closed; open it again`);
  }
}

/** Scans all segments; the last may have a torn end, or be left over from its creation. */
async function scanAll(
  env: JournalEnv,
  directory: string,
  limits: JournalLimits,
): Promise<{ scanned: ScannedSegment[]; unfinished: Segment | null }> {
  const segments = await listSegments(env, directory);
  const newest = segments.at(-1);
  let unfinished: Segment | null = null;
  if (newest !== undefined && await isUnfinished(env, newest, limits)) {
    unfinished = newest;
    segments.pop();
  }
  const scanned: ScannedSegment[] = [];
  for (const [position, segment] of segments.entries()) {
    const expected = scanned.at(-1)?.nextIndex ?? segment.firstIndex;
    if (segment.firstIndex !== expected) {
      throw corrupt(segment.path, 8, `record ${expected} should follow, a segment is missing`);
    }
    scanned.push(await scanSegment(env, segment, position === segments.length - 1, limits));
  }
  return { scanned, unfinished };
}

/**
 * Opens the journal in `directory` (made if absent; its parent must exist), cuts a torn end and makes
 * durable what is there. Throws {@link JournalError} `corrupt` for any other damage, naming file,
 * offset and what to do.
 */
export async function openJournal(
  env: JournalEnv,
  directory: string,
  options: JournalOptions = {},
): Promise<Journal> {
  const limits = limitValues(STORE_LIMITS, options.limits);
  await env.disk.makeDirectory(directory, { recursive: true });
  const { scanned, unfinished } = await scanAll(env, directory, limits);
  const writer = new SegmentWriter(env, directory, limits, options.sync ?? true);
  if (unfinished !== null) await env.disk.remove(unfinished.path);
  const last = scanned.at(-1);
  const segments: Segment[] = scanned.map(({ path, firstIndex }) => ({ path, firstIndex }));
  if (last === undefined) segments.push(await writer.create(unfinished?.firstIndex ?? 1));
  else await writer.resume(last);
  const lastIndex = (last?.nextIndex ?? segments[0]!.firstIndex) - 1;
  return new FileJournal(env, limits, writer, segments, lastIndex);
}
