/**
 * Where the records of orders will stand: decided before anything is written, so that a full disk
 * refuses a whole order. An order is one record and so survives a crash as a whole, unless it is longer
 * than a segment: then it is cut between entries.
 */

import { RECORD_HEAD_BYTES } from "../../store/journal_format.ts";
import type { Entry } from "../core/entry.ts";
import { encodedEntriesBytes, ENTRY_HEAD_BYTES } from "./entry_codec.ts";
import { afterOrder, type LogEnd } from "./log_state.ts";
import { encodeCheckpoint, encodeOrderHead, type OrderRecord } from "./records.ts";
import { MARK_BYTES, SEGMENT_HEADER_BYTES } from "./segment_format.ts";

/** A record that is going to be written: its payload is the head and then the block of entries. */
export interface PlannedRecord {
  readonly head: Readonly<Uint8Array>;
  readonly entries: readonly Entry[];
  readonly payloadBytes: number;
  /** What it changes; null for a checkpoint or a mark. */
  readonly order: Omit<OrderRecord, "kind"> | null;
}

/** What goes into one segment. */
export interface Part {
  readonly records: PlannedRecord[];
  /** Of the records with their heads; a new segment's header and room for a mark come on top. */
  bytes: number;
}

/** A place in a plan to go back to. */
export interface PlanMark {
  readonly parts: number;
  readonly records: number;
  readonly bytes: number;
  readonly end: LogEnd;
}

const NEW_SEGMENT_BYTES = SEGMENT_HEADER_BYTES + MARK_BYTES;

/** A batch in the making. */
export class Plan {
  /** The first part goes on in the open segment; each further one begins another. */
  readonly parts: Part[] = [{ records: [], bytes: 0 }];
  readonly #room: number;
  readonly #segmentBytes: number;
  #end: LogEnd;

  /** `room`: what is left of the open segment, a mark's place apart. */
  constructor(end: LogEnd, room: number, segmentBytes: number) {
    this.#end = end;
    this.#room = room;
    this.#segmentBytes = segmentBytes;
  }

  /** Where the log will stand. */
  get end(): LogEnd {
    return this.#end;
  }

  get isEmpty(): boolean {
    return this.parts.length === 1 && this.parts[0]!.records.length === 0;
  }

  /** How long each new segment must be. */
  get newSegmentSizes(): number[] {
    return this.parts.slice(1).map(({ bytes }) => NEW_SEGMENT_BYTES + bytes);
  }

  /** Begins a log: nothing but a first segment's checkpoint. */
  begin(): void {
    this.#addSegment();
  }

  mark(): PlanMark {
    const { records, bytes } = this.#last;
    return { parts: this.parts.length, records: records.length, bytes, end: this.#end };
  }

  /** Takes back what was added since. */
  backTo(mark: PlanMark): void {
    this.parts.length = mark.parts;
    this.#last.records.length = mark.records;
    this.#last.bytes = mark.bytes;
    this.#end = mark.end;
  }

  /** Adds one more order. */
  add({ reset, hardState, entries }: Omit<OrderRecord, "kind">): void {
    const order = { reset, hardState, entries };
    const record = recordOf(order);
    if (bytesOf(record) <= this.#left) return this.#put(record);
    this.#addSegment();
    if (bytesOf(record) <= this.#left || entries.length <= 1) this.#put(record);
    else this.#cutUp(order);
  }

  get #last(): Part {
    return this.parts.at(-1)!;
  }

  get #left(): number {
    const whole = this.parts.length === 1 ? this.#room : this.#segmentBytes - NEW_SEGMENT_BYTES;
    return whole - this.#last.bytes;
  }

  /** An order that is longer than a segment: as many entries to each as fit. */
  #cutUp(order: Omit<OrderRecord, "kind">): void {
    let { reset, hardState, entries } = order;
    for (;;) {
      const head = bytesOf(recordOf({ reset, hardState, entries: [] }));
      const count = fitting(entries, this.#left - head);
      this.#put(recordOf({ reset, hardState, entries: entries.slice(0, count) }));
      entries = entries.slice(count);
      if (entries.length === 0) return;
      reset = null;
      hardState = null;
      this.#addSegment();
    }
  }

  #addSegment(): void {
    this.parts.push({ records: [], bytes: 0 });
    this.#put(headRecord(encodeCheckpoint(this.#end)));
  }

  #put(record: PlannedRecord): void {
    this.#last.records.push(record);
    this.#last.bytes += bytesOf(record);
    if (record.order !== null) this.#end = afterOrder(this.#end, record.order);
  }
}

/** How many of the first entries fit; one at least, for which the segment is made longer. */
function fitting(entries: readonly Entry[], room: number): number {
  let left = room;
  let count = 0;
  for (const entry of entries) {
    left -= ENTRY_HEAD_BYTES + entry.data.length;
    if (left < 0 && count > 0) break;
    count += 1;
  }
  return count;
}

/** A record that holds no entries and changes nothing. */
export function headRecord(head: Readonly<Uint8Array>): PlannedRecord {
  return { head, entries: [], payloadBytes: head.length, order: null };
}

function recordOf(order: Omit<OrderRecord, "kind">): PlannedRecord {
  const { entries } = order;
  const head = encodeOrderHead(order);
  return { head, entries, payloadBytes: head.length + encodedEntriesBytes(entries), order };
}

function bytesOf({ payloadBytes }: PlannedRecord): number {
  return RECORD_HEAD_BYTES + payloadBytes;
}
