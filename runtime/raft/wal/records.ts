/**
 * What a record of the log says, version 1; numbers little-endian. A record stands in the frame of the
 * journal (`runtime/store/journal_format.ts`: length, CRC-32, number, how many records before it were
 * not durable). Its payload:
 *
 * - order: 1 u8, flags u8 (1 reset, 2 hard state), [meta], [hard state], block of entries
 * - checkpoint: 2 u8, last index f64, meta of what the log begins after, hard state
 * - mark: 3 u8; all before it is durable
 *
 * meta: length u32, JSON. Hard state: term f64, commit f64, length of the vote u16 (65535: none), vote.
 */

import { assert } from "../../base/assert.ts";
import type { Entry, HardState, SnapshotMeta } from "../core/entry.ts";
import { decodeEntries, EntryCodecError } from "./entry_codec.ts";
import { decodeSnapshotMeta, encodeSnapshotMeta } from "./snapshot_meta.ts";

/** What an order changes; within a record: reset, then hard state, then entries. */
export interface OrderRecord {
  readonly kind: "order";
  readonly reset: SnapshotMeta | null;
  readonly hardState: HardState | null;
  readonly entries: readonly Entry[];
}

/** Where the log stands as a segment begins, so that those before it can go. */
export interface CheckpointRecord {
  readonly kind: "checkpoint";
  readonly lastIndex: number;
  readonly base: SnapshotMeta;
  readonly hardState: HardState;
}

/** One record of the log. */
export type LogRecord = OrderRecord | CheckpointRecord | { readonly kind: "mark" };

const ORDER = 1;
const CHECKPOINT = 2;
const MARK = 3;
const HAS_RESET = 1;
const HAS_HARD_STATE = 2;
const ORDER_HEAD_BYTES = 2;
const NO_VOTE = 0xffff;
const HARD_STATE_HEAD_BYTES = 18;

/** The payload of a mark. */
export const MARK_PAYLOAD: Readonly<Uint8Array> = Uint8Array.of(MARK);

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

/** Of an order that holds nothing but entries; the usual one. */
const ENTRIES_HEAD: Readonly<Uint8Array> = Uint8Array.of(ORDER, 0);

/** What the payload of an order begins with; the block of its entries follows. */
export function encodeOrderHead(order: Omit<OrderRecord, "kind">): Readonly<Uint8Array> {
  if (order.reset === null && order.hardState === null) return ENTRIES_HEAD;
  const meta = order.reset === null ? null : encodeSnapshotMeta(order.reset);
  const hardState = order.hardState === null ? null : encodeHardState(order.hardState);
  const metaBytes = meta === null ? 0 : 4 + meta.length;
  const bytes = new Uint8Array(ORDER_HEAD_BYTES + metaBytes + (hardState?.length ?? 0));
  bytes[0] = ORDER;
  bytes[1] = (meta === null ? 0 : HAS_RESET) | (hardState === null ? 0 : HAS_HARD_STATE);
  let at = ORDER_HEAD_BYTES;
  if (meta !== null) at = putMeta(bytes, new DataView(bytes.buffer), at, meta);
  if (hardState !== null) bytes.set(hardState, at);
  return bytes;
}

/** The payload of a checkpoint. */
export function encodeCheckpoint(checkpoint: Omit<CheckpointRecord, "kind">): Uint8Array {
  const meta = encodeSnapshotMeta(checkpoint.base);
  const hardState = encodeHardState(checkpoint.hardState);
  const bytes = new Uint8Array(1 + 8 + 4 + meta.length + hardState.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = CHECKPOINT;
  view.setFloat64(1, checkpoint.lastIndex, true);
  bytes.set(hardState, putMeta(bytes, view, 9, meta));
  return bytes;
}

/** What a payload says; throws where it says nothing that this version knows. */
export function decodeRecordPayload(payload: Uint8Array): LogRecord {
  const cursor = new Cursor(payload);
  switch (cursor.byte()) {
    case ORDER: {
      const flags = cursor.byte();
      const reset = (flags & HAS_RESET) === 0 ? null : cursor.meta();
      const hardState = (flags & HAS_HARD_STATE) === 0 ? null : cursor.hardState();
      return { kind: "order", reset, hardState, entries: decodeEntries(cursor.rest()) };
    }
    case CHECKPOINT: {
      const lastIndex = cursor.double();
      return { kind: "checkpoint", lastIndex, base: cursor.meta(), hardState: cursor.hardState() };
    }
    case MARK:
      return { kind: "mark" };
    default:
      throw new EntryCodecError(0, "the kind of the record is unknown");
  }
}

function putMeta(bytes: Uint8Array, view: DataView, at: number, meta: Uint8Array): number {
  view.setUint32(at, meta.length, true);
  bytes.set(meta, at + 4);
  return at + 4 + meta.length;
}

function encodeHardState({ term, vote, commit }: HardState): Uint8Array {
  const name = encoder.encode(vote ?? "");
  assert(name.length < NO_VOTE, "the id of a member is a short name");
  const bytes = new Uint8Array(HARD_STATE_HEAD_BYTES + name.length);
  const view = new DataView(bytes.buffer);
  view.setFloat64(0, term, true);
  view.setFloat64(8, commit, true);
  view.setUint16(16, vote === null ? NO_VOTE : name.length, true);
  bytes.set(name, HARD_STATE_HEAD_BYTES);
  return bytes;
}

/** Reads a payload from its begin; RangeError beyond its end. */
class Cursor {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  byte(): number {
    return this.#view.getUint8(this.#step(1));
  }

  double(): number {
    return this.#view.getFloat64(this.#step(8), true);
  }

  meta(): SnapshotMeta {
    return decodeSnapshotMeta(this.#part(this.#view.getUint32(this.#step(4), true)));
  }

  hardState(): HardState {
    const term = this.double();
    const commit = this.double();
    const length = this.#view.getUint16(this.#step(2), true);
    return {
      term,
      vote: length === NO_VOTE ? null : decoder.decode(this.#part(length)),
      commit,
    };
  }

  rest(): Uint8Array {
    return this.#bytes.subarray(this.#at);
  }

  #part(length: number): Uint8Array {
    const from = this.#step(length);
    if (this.#at > this.#bytes.length) throw new EntryCodecError(from, "the record is cut off");
    return this.#bytes.subarray(from, this.#at);
  }

  #step(length: number): number {
    const from = this.#at;
    this.#at += length;
    return from;
  }
}
