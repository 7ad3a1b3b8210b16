/**
 * Records to bytes and back: frames of version 1. Pure.
 *
 * A pack is a JSON array of records, one to a line, and the bytes of their byte fields as they are.
 */

import { Buffer } from "node:buffer";
import { encodeBody, isPlain } from "../actor/codec_encode.ts";
import { ActorError } from "../actor/errors.ts";
import { assert } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import { decodeFragment, type Fragment } from "./fragments.ts";
import {
  changedLength,
  FRAME_KIND,
  frameError,
  joined,
  laneIndex,
  PACK_HEADER_BYTES,
  PACK_OVERHEAD_BYTES,
  readU32,
  SEPARATOR,
  writeU32,
} from "./frames_layout.ts";
import { decodePack, jsonOf, type Pack, textOf } from "./frames_pack.ts";
import type { Lane, MessageRecord, WireRecord } from "./wire.ts";

const utf8Encoder = new TextEncoder();
const NONE: readonly Uint8Array[] = [];
const CLOSING_BRACKET = 0x5d;
/** `"body":` and the brace that ends the record. */
const BODY_BYTES = 8;

/** A record encoded once, when it is queued: its size is known for credit. */
export interface Packed {
  /** What it begins with, shared with others; `null` if `text` is all of it. */
  readonly head: RecordHead | null;
  /** What follows the head, to the brace that ends the record. */
  readonly text: string;
  /** By reference: they must stay as they are until the frame is made. */
  readonly attachments: readonly Uint8Array[];
  /** On the wire: UTF-8 of the text and the attachments. */
  readonly bytes: number;
}

/**
 * The fields that many records share, encoded once: half of what encoding costs. Of records of one head
 * that follow each other in a pack only the first has it.
 */
export interface RecordHead {
  /** `{"v":1,...,` */
  readonly text: string;
  readonly bytes: number;
}

/** A frame as it was read. */
export type Frame =
  | { readonly kind: "handshake"; readonly message: unknown }
  | ({ readonly kind: "pack" } & Pack)
  | ({ readonly kind: "fragment" } & Fragment);

/** What a peer may send at most. */
export interface FrameLimits {
  readonly handshakeBytes: number;
  /** Of a record, and of all records of one pack. */
  readonly messageBytes: number;
}

/** Encodes what records share. */
export function recordHead(
  { v, type, to, from }: Pick<MessageRecord, "v" | "type" | "to" | "from">,
): RecordHead {
  const fields = from === undefined ? { v, type, to } : { v, type, to, from };
  const text = `${JSON.stringify(fields).slice(0, -1)},`;
  return { text, bytes: Buffer.byteLength(text) };
}

/** What `item` need not say behind a record of that head, in bytes. */
export function sharedBytes({ head }: Packed, before: RecordHead | null): number {
  return head === null || head !== before ? 0 : head.bytes - 1; // a brace stands in its place
}

/** The whole record as JSON; its byte fields are lengths. */
export function recordText({ head, text }: Packed): string {
  return head === null ? text : head.text + text;
}

/**
 * Encodes a message: the shared fields, its own, its body. ActorError `NotEncodable` names the path of
 * what cannot be carried.
 */
export function packBody(head: RecordHead, own: object | null, body: unknown): Packed {
  const fields = own === null ? "" : `${JSON.stringify(own).slice(1, -1)},`;
  try {
    const attachments: Uint8Array[] | null = isPlain(body) ? null : [];
    const json = JSON.stringify(attachments === null ? body : encodeBody(body, attachments));
    let bytes = head.bytes + BODY_BYTES + Buffer.byteLength(json);
    if (own !== null) bytes += Buffer.byteLength(fields);
    for (const attachment of attachments ?? NONE) bytes += attachment.length;
    const text = `${fields}"body":${json}}`;
    return { head, text, attachments: attachments ?? NONE, bytes };
  } catch (cause) {
    throw notEncodable(cause);
  }
}

/** Encodes a record; ActorError `NotEncodable` names the path of what cannot be carried. */
export function packRecord(record: WireRecord): Packed {
  try {
    if ("body" in record && !("c" in record) && !isPlain(record.body)) return packTagged(record);
    const text = JSON.stringify(record);
    return { head: null, text, attachments: NONE, bytes: Buffer.byteLength(text) };
  } catch (cause) {
    throw notEncodable(cause);
  }
}

function notEncodable(cause: unknown): ActorError {
  if (cause instanceof ActorError) return cause;
  const reason = messageOf(cause);
  return new ActorError("NotEncodable", `encode message: ${reason}; send less, and plain data`, {
    cause,
  });
}

function packTagged(record: WireRecord & { readonly body: unknown }): Packed {
  const attachments: Uint8Array[] = [];
  const text = JSON.stringify({ ...record, body: encodeBody(record.body, attachments) });
  let bytes = Buffer.byteLength(text);
  for (const attachment of attachments) bytes += attachment.length;
  return { head: null, text, attachments, bytes };
}

/**
 * One frame with all of `items`. ActorError `NotEncodable` if an attachment has changed its length since
 * it was packed (its buffer was transferred or resized).
 */
export function encodePack(lane: Lane, items: readonly Packed[]): Uint8Array {
  assert(items.length > 0, "a pack has records");
  let text = "[";
  let total = PACK_OVERHEAD_BYTES + SEPARATOR.length * (items.length - 1);
  let attached = 0;
  let before: RecordHead | null = null;
  for (const item of items) {
    const shared = sharedBytes(item, before);
    if (text.length > 1) text += SEPARATOR;
    text += shared > 0 ? `{${item.text}` : recordText(item);
    total += item.bytes - shared;
    before = item.head;
    for (const attachment of item.attachments) attached += attachment.length;
  }
  text += "]";
  const frame = new Uint8Array(total);
  const { written } = utf8Encoder.encodeInto(text, frame.subarray(PACK_HEADER_BYTES));
  if (PACK_HEADER_BYTES + written + attached !== total) {
    throw changedLength(items.length);
  }
  frame[0] = FRAME_KIND.pack;
  frame[1] = laneIndex(lane);
  writeU32(frame, 2, written);
  if (attached > 0) attach(frame, PACK_HEADER_BYTES + written, items);
  return frame;
}

/**
 * The same for one record, its byte fields not copied: header and text, then each field. ActorError
 * `NotEncodable` as there.
 */
export function packParts(lane: Lane, item: Packed): Uint8Array[] {
  const { attachments, bytes } = item;
  let textBytes = bytes + 2;
  for (const attachment of attachments) textBytes -= attachment.length;
  const head = new Uint8Array(Math.max(0, PACK_HEADER_BYTES + textBytes));
  const { written } = utf8Encoder.encodeInto(
    `[${recordText(item)}]`,
    head.subarray(PACK_HEADER_BYTES),
  );
  if (written !== textBytes || !head.subarray(-1).every((byte) => byte === CLOSING_BRACKET)) {
    throw changedLength(1);
  }
  head[0] = FRAME_KIND.pack;
  head[1] = laneIndex(lane);
  writeU32(head, 2, written);
  return [head, ...attachments];
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
      return { kind: "pack", ...decodePack(bytes, limits.messageBytes) };
    case FRAME_KIND.fragment:
      return { kind: "fragment", ...decodeFragment(bytes, limits.messageBytes) };
    default:
      throw frameError("UnknownKind", `kind ${bytes[0]} does not exist`);
  }
}

/**
 * The same for a frame in two parts. A pack whose text ends with the first is not put together: its byte
 * fields are views of `rest`.
 */
export function decodeParts(bytes: Uint8Array, rest: Uint8Array, limits: FrameLimits): Frame {
  const isSplit = bytes[0] === FRAME_KIND.pack && bytes.length >= PACK_OVERHEAD_BYTES &&
    bytes.length === PACK_HEADER_BYTES + readU32(bytes, 2);
  if (!isSplit) return decodeFrame(joined(bytes, rest), limits);
  return { kind: "pack", ...decodePack(bytes, limits.messageBytes, rest) };
}

function decodeHandshake(bytes: Uint8Array, handshakeBytes: number): unknown {
  if (bytes.length - 1 > handshakeBytes) {
    throw frameError(
      "TooLong",
      `a handshake of ${bytes.length - 1} bytes exceeds ${handshakeBytes}`,
    );
  }
  return jsonOf(textOf(bytes, 1, bytes.length));
}
