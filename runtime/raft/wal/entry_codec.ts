/**
 * A block of entries as bytes, version 1: what stands in a record of the log and in an Append on the
 * wire. For each entry, little-endian and without gaps: index f64, term f64, stamp f64, length of the
 * data u32, kind u8, data. Doubles are exact up to 2^53 and readable without BigInt.
 */

import { QuorusError } from "../../base/errors.ts";
import type { Entry, EntryKind } from "../core/entry.ts";

/** Bytes of one entry before its data. */
export const ENTRY_HEAD_BYTES = 29;

const TERM_OFFSET = 8;
const STAMP_OFFSET = 16;
const LENGTH_OFFSET = 24;
const KIND_OFFSET = 28;
/** By the number that stands for it. Numbers are for ever. */
const KINDS: readonly EntryKind[] = ["command", "noop", "config"];
const KIND_NUMBERS: Readonly<Record<EntryKind, number>> = { command: 0, noop: 1, config: 2 };

/** Bytes that are no block of entries: cut off, or never one. */
export class EntryCodecError extends QuorusError<"BadEntries"> {
  override readonly name = "EntryCodecError";

  constructor(offset: number, reason: string) {
    super(
      "BadEntries",
      `cannot decode a block of entries: at offset ${offset} ${reason}; it was cut, or its sender speaks another version`,
      { details: { offset } },
    );
  }
}

/** How long {@link encodeEntries} of these is. */
export function encodedEntriesBytes(entries: readonly Entry[]): number {
  let total = 0;
  for (const entry of entries) total += ENTRY_HEAD_BYTES + entry.data.length;
  return total;
}

/** Writes a block at `offset`; gives the offset after it. */
export function encodeEntriesInto(
  into: Uint8Array,
  offset: number,
  entries: readonly Entry[],
  view: DataView = new DataView(into.buffer, into.byteOffset, into.byteLength),
): number {
  let at = offset;
  for (const entry of entries) {
    view.setFloat64(at, entry.index, true);
    view.setFloat64(at + TERM_OFFSET, entry.term, true);
    view.setFloat64(at + STAMP_OFFSET, entry.stampMs, true);
    view.setUint32(at + LENGTH_OFFSET, entry.data.length, true);
    view.setUint8(at + KIND_OFFSET, KIND_NUMBERS[entry.kind]);
    into.set(entry.data, at + ENTRY_HEAD_BYTES);
    at += ENTRY_HEAD_BYTES + entry.data.length;
  }
  return at;
}

/** Consecutive entries as one block of bytes. */
export function encodeEntries(entries: readonly Entry[]): Uint8Array {
  const bytes = new Uint8Array(encodedEntriesBytes(entries));
  encodeEntriesInto(bytes, 0, entries);
  return bytes;
}

/** The entries of a block; their data are views of `bytes`. Throws {@link EntryCodecError} on nonsense. */
export function decodeEntries(bytes: Uint8Array): Entry[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries: Entry[] = [];
  let at = 0;
  while (at < bytes.length) {
    const before = entries.at(-1);
    const entry = decodeEntry(bytes, view, at);
    if (before !== undefined && entry.index !== before.index + 1) {
      throw new EntryCodecError(at, `entry ${entry.index} follows entry ${before.index}`);
    }
    entries.push(entry);
    at += ENTRY_HEAD_BYTES + entry.data.length;
  }
  return entries;
}

function decodeEntry(bytes: Uint8Array, view: DataView, at: number): Entry {
  const begin = at + ENTRY_HEAD_BYTES;
  if (begin > bytes.length) throw new EntryCodecError(at, "the head of an entry is cut off");
  const index = view.getFloat64(at, true);
  const term = view.getFloat64(at + TERM_OFFSET, true);
  const stampMs = view.getFloat64(at + STAMP_OFFSET, true);
  const end = begin + view.getUint32(at + LENGTH_OFFSET, true);
  const kind = KINDS[view.getUint8(at + KIND_OFFSET)];
  if (!Number.isSafeInteger(index) || index < 1) throw new EntryCodecError(at, "there is no index");
  if (!Number.isSafeInteger(term) || term < 0) throw new EntryCodecError(at, "there is no term");
  if (!Number.isFinite(stampMs)) throw new EntryCodecError(at, "there is no stamp");
  if (kind === undefined) throw new EntryCodecError(at, "the kind of the entry is unknown");
  if (end > bytes.length) throw new EntryCodecError(at, "the data of an entry are cut off");
  return { index, term, stampMs, kind, data: bytes.subarray(begin, end) };
}
