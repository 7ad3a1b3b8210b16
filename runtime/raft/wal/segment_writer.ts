/** The open end of a log: carries plans out, one write and one sync for each segment that they touch. */

import { assert } from "../../base/assert.ts";
import type { DiskFile } from "../../env/env.ts";
import { encodeRecord, RECORD_HEAD_BYTES, viewOf } from "../../store/journal_format.ts";
import type { RaftLogEnv } from "./log_options.ts";
import { type LiveSegment, noteRecord } from "./log_state.ts";
import { encodeEntriesInto } from "./entry_codec.ts";
import { headRecord, type Part, type Plan, type PlannedRecord } from "./plan.ts";
import { MARK_PAYLOAD } from "./records.ts";
import { encodeSegmentHeader, MARK_BYTES } from "./segment_format.ts";
import { type Spares, writeZeros } from "./spares.ts";

/** What a log that was opened goes on from. */
export interface WriterStart {
  readonly segments: LiveSegment[];
  /** Bytes of the last segment, and where its records end. */
  readonly bytes: Uint8Array;
  readonly endOffset: number;
  readonly nextRecord: number;
}

/** See the head of this file. */
export class SegmentWriter {
  /** Oldest first; the last one is open. */
  readonly segments: LiveSegment[];
  readonly #env: RaftLogEnv;
  readonly #identityCrc: number;
  readonly #spares: Spares;
  #file: DiskFile | null = null;
  #fileBytes = 0;
  #offset = 0;
  #nextRecord: number;
  /** The first record that may not be durable. */
  #unsyncedFrom: number;
  /** The last segment of which something is durable. */
  #durableSequence = 0;
  #scratch = new Uint8Array(0);
  #view = viewOf(this.#scratch);

  constructor(env: RaftLogEnv, identityCrc: number, spares: Spares, start: WriterStart) {
    this.#env = env;
    this.#identityCrc = identityCrc;
    this.#spares = spares;
    this.segments = start.segments;
    this.#nextRecord = start.nextRecord;
    this.#unsyncedFrom = start.nextRecord;
  }

  /**
   * Makes what was read durable before anything is answered, and zeros what was torn. What stood there
   * is written again: after a failed sync the system takes it for clean, and no later sync would bring
   * it to the device (Rebello et al., "Can applications recover from fsync failures?", 2020).
   */
  async resume({ bytes, endOffset }: WriterStart): Promise<void> {
    const file = await this.#open();
    await file.write(bytes.subarray(0, endOffset), 0);
    await writeZeros(file, endOffset, bytes.length);
    await file.sync();
    this.#offset = endOffset;
    this.#fileBytes = bytes.length;
    this.#durableSequence = this.segments.at(-1)!.sequence;
  }

  /** Bytes of records that the open segment still takes, a mark's place apart. */
  get room(): number {
    return Math.max(0, this.#fileBytes - MARK_BYTES - this.#offset);
  }

  /** Makes a plan durable; the segments that it needs were provided. */
  async write(plan: Plan): Promise<void> {
    for (const [position, part] of plan.parts.entries()) {
      if (position > 0) await this.#advance();
      if (part.records.length === 0) continue;
      await this.#writePart(part, position > 0);
      await this.#sync();
      this.#settle(part);
    }
  }

  /** Segments that only hold what is durably compacted or replaced, and are followed by a durable one. */
  isSpent(segment: LiveSegment, compactedThrough: number): boolean {
    return segment.sequence < this.#durableSequence && segment.liveThrough <= compactedThrough;
  }

  /** Says, once, that all is durable, for whoever reads this after a crash; not durable itself. */
  async mark(): Promise<void> {
    const isMarked = this.#unsyncedFrom < this.#nextRecord;
    if (isMarked || this.#fileBytes - this.#offset < MARK_BYTES) return;
    await this.#append([headRecord(MARK_PAYLOAD)], null);
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = null;
    await file?.close();
  }

  /** Makes the last mark durable. */
  async sync(): Promise<void> {
    if (this.#unsyncedFrom < this.#nextRecord) await this.#sync();
  }

  /** Goes on to the next segment, once all of this one is durable. */
  async #advance(): Promise<void> {
    await this.sync();
    await this.#file?.close();
    const { sequence, path, bytes } = this.#spares.take();
    this.segments.push({ sequence, path, liveThrough: 0 });
    this.#fileBytes = bytes;
    this.#offset = 0;
    await this.#open();
  }

  async #writePart({ records }: Part, isNew: boolean): Promise<void> {
    const header = isNew
      ? encodeSegmentHeader({
        sequence: this.segments.at(-1)!.sequence,
        firstRecord: this.#nextRecord,
        identityCrc: this.#identityCrc,
      }, this.#env.hash.crc32)
      : null;
    await this.#append(records, header);
  }

  /** What is durable now may replace what stood before. */
  #settle({ records }: Part): void {
    for (const { order } of records) {
      if (order !== null) noteRecord(this.segments, order.reset, order.entries);
    }
    this.#durableSequence = this.segments.at(-1)!.sequence;
  }

  async #append(
    records: readonly PlannedRecord[],
    header: Uint8Array | null,
  ): Promise<void> {
    const total = records.reduce(
      (sum, { payloadBytes }) => sum + RECORD_HEAD_BYTES + payloadBytes,
      header?.length ?? 0,
    );
    if (this.#scratch.length < total) {
      this.#scratch = new Uint8Array(2 * total);
      this.#view = viewOf(this.#scratch);
    }
    if (header !== null) this.#scratch.set(header);
    let at = header?.length ?? 0;
    for (const record of records) at = this.#encode(record, at);
    assert(this.#offset + total <= this.#fileBytes, "a record stays within its segment");
    await this.#openFile().write(this.#scratch.subarray(0, total), this.#offset);
    this.#offset += total;
  }

  /** The payload is made in its place, and framed there. */
  #encode({ head, entries }: PlannedRecord, at: number): number {
    const begin = at + RECORD_HEAD_BYTES;
    this.#scratch.set(head, begin);
    const end = encodeEntriesInto(this.#scratch, begin + head.length, entries, this.#view);
    const payload = this.#scratch.subarray(begin, end);
    const record = { index: this.#nextRecord, unsyncedFrom: this.#unsyncedFrom, payload };
    this.#nextRecord += 1;
    return encodeRecord(this.#scratch, at, record, this.#env.hash.crc32, this.#view);
  }

  async #sync(): Promise<void> {
    await this.#openFile().syncData();
    this.#unsyncedFrom = this.#nextRecord;
  }

  async #open(): Promise<DiskFile> {
    const { path } = this.segments.at(-1)!;
    this.#file = await this.#env.disk.open(path, { read: true, write: true });
    return this.#file;
  }

  #openFile(): DiskFile {
    assert(this.#file !== null, "the log has an open segment");
    return this.#file;
  }
}
