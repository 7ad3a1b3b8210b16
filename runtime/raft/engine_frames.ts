/**
 * Messages between a member and its Worker as frames: the length of a text in 4 bytes (big-endian), the
 * text, then blocks of bytes without gaps. The text is JSON: for each message, itself and the lengths of
 * its blocks. A frame is moved to the other thread; the blocks that come out of it are views of it.
 */

import type { Entry } from "./core/entry.ts";
import { encodedEntriesBytes, encodeEntriesInto } from "./wal/entry_codec.ts";

const LENGTH_BYTES = 4;

/** Bytes that travel with a message; entries become one block. */
export type Block = Uint8Array | readonly Entry[];

/** A message and its blocks. */
export type Posted<Message> = readonly [message: Message, blocks: readonly Block[]];

/** A message as it came. */
export type Arrived<Message> = readonly [message: Message, blocks: readonly Uint8Array[]];

/** How many bytes a block takes. */
export function blockBytes(block: Block): number {
  return block instanceof Uint8Array ? block.length : encodedEntriesBytes(block);
}

/** Messages as one frame, which copies each block once. */
export function encodeFrame(posted: readonly Posted<unknown>[]): Uint8Array {
  let bytes = LENGTH_BYTES;
  const text = new TextEncoder().encode(JSON.stringify(posted.map(([message, blocks]) => {
    const lengths = blocks.map(blockBytes);
    for (const length of lengths) bytes += length;
    return [message, lengths];
  })));
  const frame = new Uint8Array(bytes + text.length);
  const view = new DataView(frame.buffer);
  view.setUint32(0, text.length);
  frame.set(text, LENGTH_BYTES);
  let at = LENGTH_BYTES + text.length;
  for (const [, blocks] of posted) {
    for (const block of blocks) {
      if (block instanceof Uint8Array) {
        frame.set(block, at);
        at += block.length;
      } else at = encodeEntriesInto(frame, at, block, view);
    }
  }
  return frame;
}

/** The messages of a frame, in order. */
export function decodeFrame<Message>(frame: Uint8Array): Arrived<Message>[] {
  const textBytes = new DataView(frame.buffer, frame.byteOffset).getUint32(0);
  let at = LENGTH_BYTES + textBytes;
  const text = new TextDecoder().decode(frame.subarray(LENGTH_BYTES, at));
  const said = JSON.parse(text) as (readonly [Message, readonly number[]])[];
  return said.map(([message, lengths]) => {
    const blocks = lengths.map((length) => frame.subarray(at, at += length));
    return [message, blocks] as const;
  });
}
