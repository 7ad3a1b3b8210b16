/**
 * The bytes of a journal segment, version 1; all numbers little-endian.
 *
 * Header (24 B): magic `QJRN`, version u32, index of the first record f64, CRC-32 of these 16 B u32,
 * 4 B zero. Record: length of the payload u32, CRC-32 over what follows u32, index f64, how many
 * records before it were not yet durable u32, payload.
 * An index is a double: exact up to 2^53 and readable without BigInt.
 */

/** CRC-32 continued from a seed, as in `Env.hash`. */
export type Crc32 = (bytes: Uint8Array, seed?: number) => number;

export const HEADER_BYTES = 24;
export const RECORD_HEAD_BYTES = 20;
/** The version that is written, and the only one that is read so far. */
export const JOURNAL_VERSION = 1;

const MAGIC = 0x4e524a51; // "QJRN"
const CRC_COVERS_BYTES = 16;
const INDEX_OFFSET = 8;
const BEHIND_OFFSET = 16;

/** All of `bytes` as numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** The header of a segment whose first record will have `firstIndex`. */
export function encodeHeader(firstIndex: number, crc32: Crc32): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, JOURNAL_VERSION, true);
  view.setFloat64(INDEX_OFFSET, firstIndex, true);
  view.setUint32(CRC_COVERS_BYTES, crc32(bytes.subarray(0, CRC_COVERS_BYTES)), true);
  return bytes;
}

/** What a header says, or why it says nothing. */
export type HeaderReading =
  | { readonly kind: "header"; readonly firstIndex: number }
  | { readonly kind: "damaged" }
  | { readonly kind: "version"; readonly version: number };

/** Reads a header. */
export function decodeHeader(bytes: Uint8Array, crc32: Crc32): HeaderReading {
  if (bytes.length < HEADER_BYTES) return { kind: "damaged" };
  const view = viewOf(bytes);
  const crc = crc32(bytes.subarray(0, CRC_COVERS_BYTES));
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(CRC_COVERS_BYTES, true) !== crc) {
    return { kind: "damaged" };
  }
  const version = view.getUint32(4, true);
  if (version !== JOURNAL_VERSION) return { kind: "version", version };
  return { kind: "header", firstIndex: view.getFloat64(INDEX_OFFSET, true) };
}

/**
 * Writes one record into `into` at `offset`; returns the offset after it. `unsyncedFrom` is the first
 * index that was not durable when this record was written.
 */
export function encodeRecord(
  into: Uint8Array,
  offset: number,
  record: { readonly index: number; readonly unsyncedFrom: number; readonly payload: Uint8Array },
  crc32: Crc32,
  view: DataView = viewOf(into),
): number {
  const { index, unsyncedFrom, payload } = record;
  const body = offset + RECORD_HEAD_BYTES;
  view.setUint32(offset, payload.length, true);
  view.setFloat64(offset + INDEX_OFFSET, index, true);
  view.setUint32(offset + BEHIND_OFFSET, index - unsyncedFrom, true);
  into.set(payload, body);
  const end = body + payload.length;
  view.setUint32(offset + 4, crc32(into.subarray(offset + INDEX_OFFSET, end)), true);
  return end;
}

/** The record at an offset: whole, or damaged (torn, flipped, or never written). */
export type RecordReading =
  | {
    readonly kind: "record";
    readonly payload: Uint8Array;
    readonly unsyncedFrom: number;
    readonly end: number;
  }
  | { readonly kind: "damaged" };

/** Reads the record that must have `index`; `view` is one of all `bytes`, made once for many records. */
export function decodeRecord(
  bytes: Uint8Array,
  offset: number,
  index: number,
  longest: number,
  crc32: Crc32,
  view: DataView = viewOf(bytes),
): RecordReading {
  const body = offset + RECORD_HEAD_BYTES;
  if (body > bytes.length) return { kind: "damaged" };
  const length = view.getUint32(offset, true);
  const end = body + length;
  if (length > longest || end > bytes.length) return { kind: "damaged" };
  if (view.getFloat64(offset + INDEX_OFFSET, true) !== index) return { kind: "damaged" };
  const crc = crc32(bytes.subarray(offset + INDEX_OFFSET, end));
  if (view.getUint32(offset + 4, true) !== crc) return { kind: "damaged" };
  const unsyncedFrom = index - view.getUint32(offset + BEHIND_OFFSET, true);
  return { kind: "record", payload: bytes.subarray(body, end), unsyncedFrom, end };
}

/**
 * Whether a record after `offset` says that the record `index` was durable when it was written. Then
 * damage at `offset` is not a torn end (a batch may survive a power loss with holes, but nothing is
 * written after a batch before that is synced): acknowledged data was lost.
 */
export function provesDurable(
  bytes: Uint8Array,
  offset: number,
  index: number,
  longest: number,
  crc32: Crc32,
): boolean {
  const view = viewOf(bytes);
  for (let at = offset; at + RECORD_HEAD_BYTES <= bytes.length; at += 1) {
    const found = view.getFloat64(at + INDEX_OFFSET, true);
    if (!Number.isSafeInteger(found) || found <= index || found > index + bytes.length) continue;
    const reading = decodeRecord(bytes, at, found, longest, crc32, view);
    if (reading.kind === "record" && reading.unsyncedFrom > index) return true;
  }
  return false;
}
