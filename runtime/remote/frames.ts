/**
 * Records to bytes and back: frames of version 1. Pure.
 *
 * A pack is a JSON array of records, one to a line, and the bytes of their byte fields as they are.
 */

import {
  attachedBytes,
  type AttachmentSource,
  decodeBody,
  encodeBody,
  isPlain,
  SHALLOW_BYTES,
} from "../actor/codec.ts";
import { ActorError } from "../actor/errors.ts";
import { decodeFragment, type Fragment } from "./fragments.ts";
import {
  FRAME_KIND,
  frameError,
  laneIndex,
  laneOf,
  PACK_HEADER_BYTES,
  PACK_OVERHEAD_BYTES,
  readU32,
  SEPARATOR,
  viewOf,
  writeU32,
} from "./frames_layout.ts";
import type { Lane, WireRecord } from "./wire.ts";

export { Assembly, fragments } from "./fragments.ts";
export { parseControlRecord, parseMessageRecord, parseReplyRecord } from "./records.ts";

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LINE_FEED = 10;

/** A record encoded once, when it is queued: its size is known for credit. */
export interface Packed {
  readonly text: string;
  /** By reference: they must stay as they are until the frame is made. */
  readonly attachments: readonly Uint8Array[];
  /** On the wire: UTF-8 of the text and the attachments. */
  readonly bytes: number;
}

/** A frame as it was read. */
export type Frame =
  | { readonly kind: "handshake"; readonly message: unknown }
  | {
    readonly kind: "pack";
    readonly lane: Lane;
    /** For `parseMessageRecord` and its like, which say of each whether it is one. */
    readonly records: unknown[];
    /** Per record what `Packed.bytes` of the sender said. */
    readonly recordBytes: number[];
  }
  | ({ readonly kind: "fragment" } & Fragment);

/** What a peer may send at most. */
export interface FrameLimits {
  readonly handshakeBytes: number;
  /** Of a record, and of all records of one pack. */
  readonly messageBytes: number;
}

/** Encodes a record; ActorError `NotEncodable` names the path of what cannot be carried. */
export function packRecord(record: WireRecord): Packed {
  if (!("body" in record) || "c" in record || isPlain(record.body)) {
    const text = JSON.stringify(record);
    return { text, attachments: [], bytes: utf8Bytes(text) };
  }
  const attachments: Uint8Array[] = [];
  const text = JSON.stringify({ ...record, body: encodeBody(record.body, attachments) });
  let bytes = utf8Bytes(text);
  for (const attachment of attachments) bytes += attachment.length;
  return { text, attachments, bytes };
}

/** How long `text` is in UTF-8. It must have no lone surrogates; JSON.stringify escapes them. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let index = 0; index < text.length; index += 1) {
    const unit = text.charCodeAt(index);
    if (unit < 0x80) continue;
    if (unit < 0x800 || (unit >= 0xd800 && unit < 0xe000)) bytes += 1;
    else bytes += 2;
  }
  return bytes;
}

/**
 * One frame with all of `items`. ActorError `NotEncodable` if an attachment has changed its length since
 * it was packed (its buffer was transferred or resized).
 */
export function encodePack(lane: Lane, items: readonly Packed[]): Uint8Array {
  let text = "[";
  let total = PACK_OVERHEAD_BYTES + SEPARATOR.length * (items.length - 1);
  let attached = 0;
  for (const item of items) {
    text += text.length === 1 ? item.text : SEPARATOR + item.text;
    total += item.bytes;
    for (const attachment of item.attachments) attached += attachment.length;
  }
  text += "]";
  const frame = new Uint8Array(total);
  const { written } = utf8Encoder.encodeInto(text, frame.subarray(PACK_HEADER_BYTES));
  if (PACK_HEADER_BYTES + written + attached !== total) {
    throw new ActorError(
      "NotEncodable",
      `send ${items.length} messages: a byte field changed its length after it was sent; ` +
        "do not transfer or resize buffers that were sent",
    );
  }
  frame[0] = FRAME_KIND.pack;
  frame[1] = laneIndex(lane);
  writeU32(frame, 2, written);
  if (attached > 0) attach(frame, PACK_HEADER_BYTES + written, items);
  return frame;
}

function attach(frame: Uint8Array, start: number, items: readonly Packed[]): void {
  let offset = start;
  for (const item of items) {
    for (const attachment of item.attachments) {
      frame.set(attachment, offset);
      offset += attachment.length;
    }
  }
}

/** The frame of a handshake message, which must be plain JSON. */
export function encodeHandshake(message: unknown): Uint8Array {
  const text = utf8Encoder.encode(JSON.stringify(message));
  const frame = new Uint8Array(1 + text.length);
  frame[0] = FRAME_KIND.handshake;
  frame.set(text, 1);
  return frame;
}

/**
 * Reads a frame; FrameError for anything that is none. Large byte fields and pieces of fragments are
 * views of `bytes`, which must not be used again.
 */
export function decodeFrame(bytes: Uint8Array, limits: FrameLimits): Frame {
  switch (bytes[0]) {
    case FRAME_KIND.handshake:
      return { kind: "handshake", message: decodeHandshake(bytes, limits.handshakeBytes) };
    case FRAME_KIND.pack:
      return decodePack(bytes, limits.messageBytes);
    case FRAME_KIND.fragment:
      return { kind: "fragment", ...decodeFragment(bytes, limits.messageBytes) };
    default:
      throw frameError("UnknownKind", `kind ${bytes[0]} does not exist`);
  }
}

function decodeHandshake(bytes: Uint8Array, handshakeBytes: number): unknown {
  if (bytes.length - 1 > handshakeBytes) {
    throw frameError(
      "TooLong",
      `a handshake of ${bytes.length - 1} bytes exceeds ${handshakeBytes}`,
    );
  }
  return parseJson(textOf(bytes, 1, bytes.length));
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  try {
    return utf8Decoder.decode(viewOf(bytes, start, end));
  } catch (cause) {
    throw frameError("BadText", "its text is not UTF-8", cause);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw frameError("BadText", "its text is not JSON", cause);
  }
}

function decodePack(bytes: Uint8Array, messageBytes: number): Frame {
  if (bytes.length < PACK_OVERHEAD_BYTES) {
    throw frameError("Truncated", "a pack ends in its header");
  }
  if (bytes.length > messageBytes + PACK_OVERHEAD_BYTES) {
    throw frameError(
      "TooLong",
      `a pack of ${bytes.length} bytes exceeds messageBytes ${messageBytes}`,
    );
  }
  const lane = laneOf(bytes[1]);
  const end = PACK_HEADER_BYTES + readU32(bytes, 2);
  if (end > bytes.length) throw frameError("Truncated", "a pack ends in its text");
  const text = textOf(bytes, PACK_HEADER_BYTES, end);
  const records = parseJson(text);
  if (!Array.isArray(records) || records.length === 0) {
    throw frameError("BadText", "its text is no array of records");
  }
  const recordBytes = text.length === end - PACK_HEADER_BYTES
    ? lineLengths(text, "\n", records.length)
    : lineLengths(viewOf(bytes, PACK_HEADER_BYTES, end), LINE_FEED, records.length);
  const attached = end === bytes.length ? null : attachments(lane, records, bytes.length - end);
  if (lane !== "control") decodeBodies(records, text, recordBytes, attached, bytes, end);
  if (attached !== null) {
    for (let index = 0; index < attached.length; index += 1) {
      recordBytes[index]! += attached[index]!;
    }
  }
  return { kind: "pack", lane, records, recordBytes };
}

/** A text, or its bytes: the same question to both. */
interface Lines<Unit> {
  readonly length: number;
  indexOf(unit: Unit, from: number): number;
}

/** Lengths of the records, one to a line, of `[record,\nrecord]`. */
function lineLengths<Unit>(text: Lines<Unit>, lineFeed: Unit, count: number): number[] {
  const lengths: number[] = [];
  let start = 1;
  for (let index = 1; index < count; index += 1) {
    const end = text.indexOf(lineFeed, start);
    if (end < 0) throw frameError("BadText", "its records do not stand one to a line");
    lengths.push(end - 1 - start);
    start = end + 1;
  }
  lengths.push(text.length - 1 - start);
  if (text.indexOf(lineFeed, start) >= 0) {
    throw frameError("BadText", "its records do not stand one to a line");
  }
  return lengths;
}

/** How many of the `length` bytes after the text belong to each record. */
function attachments(lane: Lane, records: readonly unknown[], length: number): number[] {
  const lengths: number[] = [];
  let total = 0;
  for (const record of records) {
    const attached = lane === "control" ? 0 : attachedBytes(bodyOf(record));
    if (attached === null) throw frameError("BadAttachments", "the length of a byte field is none");
    lengths.push(attached);
    total += attached;
  }
  if (total !== length) {
    throw frameError("BadAttachments", `${length} bytes follow a text that speaks of ${total}`);
  }
  return lengths;
}

function bodyOf(record: unknown): unknown {
  if (typeof record !== "object" || record === null) return undefined;
  return (record as { body?: unknown }).body;
}

/** Replaces bodies that hold tags by their values, and those that cannot be decoded by the error. */
function decodeBodies(
  records: readonly unknown[],
  text: string,
  recordBytes: readonly number[],
  attached: readonly number[] | null,
  frame: Uint8Array,
  start: number,
): void {
  const every = text.includes('$"') || text.includes("__proto__") || text.includes("\\u");
  let offset = start;
  for (let index = 0; index < records.length; index += 1) {
    if (!every && recordBytes[index]! <= SHALLOW_BYTES) continue;
    const body = bodyOf(records[index]);
    if (typeof body === "object" && body !== null) {
      const source = new Attached(frame, offset);
      (records[index] as { body: unknown }).body = bodyOrError(body, source);
    }
    offset += attached?.[index] ?? 0;
  }
}

function bodyOrError(body: unknown, source: AttachmentSource): unknown {
  try {
    return decodeBody(body, source);
  } catch (error) {
    if (error instanceof ActorError) return error;
    throw error;
  }
}

/** The attachments of a frame from `offset` on. */
class Attached implements AttachmentSource {
  readonly #frame: Uint8Array;
  #offset: number;

  constructor(frame: Uint8Array, offset: number) {
    this.#frame = frame;
    this.#offset = offset;
  }

  /** A view if most of the frame is this field, else a copy, so that it does not keep the frame. */
  take(length: number): Uint8Array {
    const end = this.#offset + length;
    if (end > this.#frame.length) {
      throw new ActorError("BadMessage", "decode message: bytes are missing");
    }
    const view = viewOf(this.#frame, this.#offset, end);
    this.#offset = end;
    return length * 2 >= this.#frame.length ? view : view.slice();
  }
}
