/** Where what stands in a frame of version 1, and the error of bytes that are no frame. */

import { ActorError } from "../actor/errors.ts";
import { QuorusError } from "../base/errors.ts";
import { type Lane, LANES } from "./wire.ts";

/** First byte of a frame. */
export const FRAME_KIND = { handshake: 1, pack: 2, fragment: 3 } as const;

/** Kind, lane, `u32` length of the text. */
export const PACK_HEADER_BYTES = 6;

/** Kind, lane, flags; the first fragment has the `u32` length of the whole pack after them. */
export const FRAGMENT_HEADER_BYTES = 3;

/** Header of the first fragment of a pack. */
export const FIRST_FRAGMENT_HEADER_BYTES = 7;

/** Flags of a fragment. */
export const FRAGMENT_FLAG = { first: 1, last: 2 } as const;

/** A pack of one record is this much longer than the record: its header and the brackets of its text. */
export const PACK_OVERHEAD_BYTES = PACK_HEADER_BYTES + 2;

/** Comma and line feed between two records: what ends a record can be found without parsing it. */
export const SEPARATOR = ",\n";

/**
 * What is wrong with bytes that should be a frame: `UnknownKind`, `UnknownLane`, `TooLong` (over a
 * limit), `Truncated` (shorter than they say), `BadText` (not UTF-8, not JSON, not an array of records),
 * `BadAttachments` (they do not match the text), `BadFragment` (out of order, or of another length).
 */
export type FrameErrorCode =
  | "UnknownKind"
  | "UnknownLane"
  | "TooLong"
  | "Truncated"
  | "BadText"
  | "BadAttachments"
  | "BadFragment";

/** Bytes of a peer that are no frame: the link they came over must be closed. */
export class FrameError extends QuorusError<FrameErrorCode> {
  override readonly name = "FrameError";
}

/** A {@link FrameError} whose message says what was wrong and what to do. */
export function frameError(code: FrameErrorCode, what: string, cause?: unknown): FrameError {
  return new FrameError(
    code,
    `read frame: ${what}; close the link, its peer speaks something else`,
    cause === undefined ? {} : { cause },
  );
}

/** A byte field of one of `count` messages is not as long as when it was sent: `NotEncodable`. */
export function changedLength(count: number): ActorError {
  return new ActorError(
    "NotEncodable",
    `send ${count} messages: a byte field changed its length after it was sent; ` +
      "do not transfer or resize buffers that were sent",
  );
}

/** The lane of a number on the wire. */
export function laneOf(index: number | undefined): Lane {
  const lane = index === undefined ? undefined : LANES[index];
  if (lane === undefined) throw frameError("UnknownLane", `lane ${index} does not exist`);
  return lane;
}

/** The number of a lane on the wire. */
export function laneIndex(lane: Lane): number {
  return LANES.indexOf(lane);
}

/** The big-endian `u32` at `offset`. */
export function readU32(bytes: Uint8Array, offset: number): number {
  return ((bytes[offset]! << 24) | (bytes[offset + 1]! << 16) | (bytes[offset + 2]! << 8) |
    bytes[offset + 3]!) >>> 0;
}

/** Writes a big-endian `u32` at `offset`. */
export function writeU32(bytes: Uint8Array, offset: number, value: number): void {
  bytes[offset] = value >>> 24;
  bytes[offset + 1] = value >>> 16;
  bytes[offset + 2] = value >>> 8;
  bytes[offset + 3] = value;
}

/** Both as one. */
export function joined(bytes: Uint8Array, rest: Uint8Array): Uint8Array {
  const whole = new Uint8Array(bytes.length + rest.length);
  whole.set(bytes);
  whole.set(rest, bytes.length);
  return whole;
}

/** A part of `bytes` without a copy, a plain Uint8Array even if `bytes` is a Buffer. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
