/**
 * The files of the log. A segment is `%016d.wal`, numbered from 1 without gaps, and filled with zeros
 * before it is used. Its header (32 B, little-endian): magic `QRWL`, version u32, number of the segment
 * f64, number of its first record f64, CRC-32 of the identity u32, CRC-32 of these 28 B u32.
 */

import { RECORD_HEAD_BYTES, viewOf } from "../../store/journal_format.ts";
import type { Crc32 } from "../../store/journal_format.ts";
import { MARK_PAYLOAD } from "./records.ts";

export const SEGMENT_HEADER_BYTES = 32;
/** The version that is written, and the only one that is read so far. */
export const LOG_VERSION = 1;
/** A mark as it stands in a segment; room for one is left at the end of each. */
export const MARK_BYTES = RECORD_HEAD_BYTES + MARK_PAYLOAD.length;

const MAGIC = 0x4c575251; // "QRWL"
const VERSION_OFFSET = 4;
const SEQUENCE_OFFSET = 8;
const FIRST_RECORD_OFFSET = 16;
const IDENTITY_OFFSET = 24;
const CRC_OFFSET = 28;
const NAME = /^(\d{16})\.wal$/;

/** What the header of a segment says. */
export interface SegmentHeader {
  readonly sequence: number;
  readonly firstRecord: number;
  readonly identityCrc: number;
}

/** What stands where a header should be. */
export type HeaderReading =
  | { readonly kind: "header"; readonly header: SegmentHeader }
  | { readonly kind: "damaged" }
  | { readonly kind: "version"; readonly version: number };

/** The path of a segment. */
export function segmentPath(folder: string, sequence: number): string {
  return `${folder}/${String(sequence).padStart(16, "0")}.wal`;
}

/** The number of the segment that has this name; null for another file. */
export function sequenceOf(name: string): number | null {
  const match = NAME.exec(name);
  return match === null ? null : Number(match[1]);
}

/** The bytes of a header. */
export function encodeSegmentHeader(header: SegmentHeader, crc32: Crc32): Uint8Array {
  const bytes = new Uint8Array(SEGMENT_HEADER_BYTES);
  const view = viewOf(bytes);
  view.setUint32(0, MAGIC, true);
  view.setUint32(VERSION_OFFSET, LOG_VERSION, true);
  view.setFloat64(SEQUENCE_OFFSET, header.sequence, true);
  view.setFloat64(FIRST_RECORD_OFFSET, header.firstRecord, true);
  view.setUint32(IDENTITY_OFFSET, header.identityCrc, true);
  view.setUint32(CRC_OFFSET, crc32(bytes.subarray(0, CRC_OFFSET)), true);
  return bytes;
}

/** Reads the header of a segment. */
export function decodeSegmentHeader(bytes: Uint8Array, crc32: Crc32): HeaderReading {
  if (bytes.length < SEGMENT_HEADER_BYTES) return { kind: "damaged" };
  const view = viewOf(bytes);
  const crc = crc32(bytes.subarray(0, CRC_OFFSET));
  if (view.getUint32(0, true) !== MAGIC || view.getUint32(CRC_OFFSET, true) !== crc) {
    return { kind: "damaged" };
  }
  const version = view.getUint32(VERSION_OFFSET, true);
  if (version !== LOG_VERSION) return { kind: "version", version };
  const header = {
    sequence: view.getFloat64(SEQUENCE_OFFSET, true),
    firstRecord: view.getFloat64(FIRST_RECORD_OFFSET, true),
    identityCrc: view.getUint32(IDENTITY_OFFSET, true),
  };
  return { kind: "header", header };
}

/** Whether nothing but zeros stands from `offset` on: never written, or cut and zeroed again. */
export function isZero(bytes: Uint8Array, offset: number): boolean {
  for (let at = offset; at < bytes.length; at += 1) if (bytes[at] !== 0) return false;
  return true;
}
