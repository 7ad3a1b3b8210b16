/** Pack frames as they are read: one text, one JSON.parse, then only what needs a second look. */

import {
  attachedBytes,
  type AttachmentSource,
  decodeBody,
  SHALLOW_BYTES,
} from "../actor/codec_decode.ts";
import { ActorError } from "../actor/errors.ts";
import {
  type FrameError,
  frameError,
  laneOf,
  PACK_HEADER_BYTES,
  PACK_OVERHEAD_BYTES,
  readU32,
  viewOf,
} from "./frames_layout.ts";
import { completeHeads } from "./frames_heads.ts";
import type { Lane } from "./wire.ts";

const utf8Decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const LINE_FEED = 10;

/** What a pack frame holds. */
export interface Pack {
  readonly lane: Lane;
  /** For `parseMessageRecord` and its like, which say of each whether it is one. */
  readonly records: unknown[];
  /** Per record what `Packed.bytes` of the sender said. */
  readonly recordBytes: number[];
}

/**
 * UTF-8 as text, else FrameError. The strict decoder takes ten times as long, so it is asked only about
 * what may be a replacement.
 */
export function textOf(bytes: Uint8Array, start: number, end: number): string {
  try {
    const view = viewOf(bytes, start, end);
    const text = utf8Decoder.decode(view);
    return text.includes("\ufffd") ? strictDecoder.decode(view) : text;
  } catch (cause) {
    throw frameError("BadText", "its text is not UTF-8", cause);
  }
}

/** JSON, else FrameError. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw frameError("BadText", "its text is not JSON", cause);
  }
}

const NO_REST = new Uint8Array();

/**
 * Reads a pack frame; FrameError if it is none. With a `rest` that is where its byte fields are, and
 * `bytes` ends with its text.
 */
export function decodePack(
  bytes: Uint8Array,
  messageBytes: number,
  rest: Uint8Array = NO_REST,
): Pack {
  if (bytes.length < PACK_OVERHEAD_BYTES) {
    throw frameError("Truncated", "a pack ends in its header");
  }
  const frameBytes = bytes.length + rest.length;
  if (frameBytes > messageBytes + PACK_OVERHEAD_BYTES) {
    throw frameError(
      "TooLong",
      `a pack of ${frameBytes} bytes exceeds messageBytes ${messageBytes}`,
    );
  }
  const lane = laneOf(bytes[1]);
  const end = PACK_HEADER_BYTES + readU32(bytes, 2);
  if (end > bytes.length) throw frameError("Truncated", "a pack ends in its text");
  const text = textOf(bytes, PACK_HEADER_BYTES, end);
  const records = jsonOf(text);
  if (!Array.isArray(records) || records.length === 0) {
    throw frameError("BadText", "its text is no array of records");
  }
  const recordBytes = text.length === end - PACK_HEADER_BYTES
    ? lineLengths(text, "\n", records.length)
    : lineLengths(viewOf(bytes, PACK_HEADER_BYTES, end), LINE_FEED, records.length);
  if (lane !== "control" && lane !== "reply") completeHeads(records, recordBytes);
  const attached = end === frameBytes ? null : attachments(lane, records, frameBytes - end);
  const [from, start] = rest.length === 0 ? [bytes, end] : [rest, 0];
  if (lane !== "control") decodeBodies(records, text, recordBytes, attached, from, start);
  if (attached !== null) {
    for (let index = 0; index < attached.length; index += 1) {
      recordBytes[index]! += attached[index]!;
    }
  }
  return { lane, records, recordBytes };
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
    if (end <= start + 1) throw notLines();
    lengths.push(end - 1 - start);
    start = end + 1;
  }
  const last = text.length - 1 - start;
  if (last < 1 || text.indexOf(lineFeed, start) >= 0) throw notLines();
  lengths.push(last);
  return lengths;
}

function notLines(): FrameError {
  return frameError("BadText", "its records do not stand one to a line");
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
