/**
 * Packs that are longer than a frame: cut into fragments, and put together again.
 *
 * Per lane one pack at a time is in fragments, so that a fragment needs no number.
 */

import {
  changedLength,
  FIRST_FRAGMENT_HEADER_BYTES,
  FRAGMENT_FLAG,
  FRAGMENT_HEADER_BYTES,
  FRAME_KIND,
  frameError,
  laneIndex,
  laneOf,
  PACK_OVERHEAD_BYTES,
  readU32,
  viewOf,
  writeU32,
} from "./frames_layout.ts";
import { assert } from "../base/assert.ts";
import type { Lane } from "./wire.ts";

/** A piece of a pack, as `decodeFrame` gives it; `piece` is a view of the frame. */
export interface Fragment {
  readonly lane: Lane;
  readonly first: boolean;
  readonly last: boolean;
  /** Length of the whole pack; only in the first fragment. */
  readonly totalBytes?: number;
  readonly piece: Uint8Array;
}

/**
 * The fragments of a pack frame, each at most `maxBytes` long with its header. The frame may come in
 * parts, such as its text and a byte field. Each fragment is made when it is asked for, so that one of
 * them is in memory at a time; every byte is copied once. ActorError `NotEncodable` if a part has changed
 * its length meanwhile.
 */
export function* fragments(
  frame: Uint8Array | readonly Uint8Array[],
  maxBytes: number,
): Generator<Uint8Array> {
  const parts = new Parts(frame instanceof Uint8Array ? [frame] : frame);
  const [kind, lane] = parts.first;
  assert(kind === FRAME_KIND.pack, "only packs are cut into fragments");
  assert(maxBytes > FIRST_FRAGMENT_HEADER_BYTES, "a fragment has room for its header and a byte");
  for (let from = 0; from < parts.totalBytes;) {
    const first = from === 0;
    const header = first ? FIRST_FRAGMENT_HEADER_BYTES : FRAGMENT_HEADER_BYTES;
    const to = Math.min(parts.totalBytes, from + maxBytes - header);
    const last = to === parts.totalBytes;
    const fragment = new Uint8Array(header + to - from);
    fragment[0] = FRAME_KIND.fragment;
    fragment[1] = lane!;
    fragment[2] = (first ? FRAGMENT_FLAG.first : 0) | (last ? FRAGMENT_FLAG.last : 0);
    if (first) writeU32(fragment, FRAGMENT_HEADER_BYTES, parts.totalBytes);
    parts.fill(fragment, header);
    yield fragment;
    from = to;
  }
}

/** What is to be cut, read from the front. */
class Parts {
  readonly totalBytes: number;
  readonly #parts: readonly Uint8Array[];
  readonly #lengths: readonly number[];
  #index = 0;
  #offset = 0;

  constructor(parts: readonly Uint8Array[]) {
    this.#parts = parts;
    this.#lengths = parts.map(({ length }) => length);
    this.totalBytes = this.#lengths.reduce((sum, length) => sum + length, 0);
  }

  get first(): Uint8Array {
    const [first] = this.#parts;
    assert(first !== undefined, "a frame has a part");
    return first;
  }

  /** Copies what comes next into `target` from `at` to its end. */
  fill(target: Uint8Array, at: number): void {
    let filled = at;
    while (filled < target.length) {
      const part = this.#parts[this.#index]!;
      const length = this.#lengths[this.#index]!;
      if (part.length !== length) throw changedLength(1);
      const end = Math.min(length, this.#offset + target.length - filled);
      target.set(viewOf(part, this.#offset, end), filled);
      filled += end - this.#offset;
      this.#offset = end;
      if (end < length) continue;
      this.#index += 1;
      this.#offset = 0;
    }
  }
}

/** Reads a fragment frame; FrameError if it is none. */
export function decodeFragment(bytes: Uint8Array, messageBytes: number): Fragment {
  if (bytes.length < FRAGMENT_HEADER_BYTES) {
    throw frameError("Truncated", "a fragment ends in its header");
  }
  const lane = laneOf(bytes[1]);
  const flags = bytes[2]!;
  if (flags > (FRAGMENT_FLAG.first | FRAGMENT_FLAG.last)) {
    throw frameError("BadFragment", `a fragment has unknown flags ${flags}`);
  }
  const first = (flags & FRAGMENT_FLAG.first) !== 0;
  const last = (flags & FRAGMENT_FLAG.last) !== 0;
  const header = first ? FIRST_FRAGMENT_HEADER_BYTES : FRAGMENT_HEADER_BYTES;
  if (bytes.length <= header) throw frameError("Truncated", "a fragment has no piece");
  const piece = viewOf(bytes, header, bytes.length);
  if (!first) return { lane, first, last, piece };
  const totalBytes = readU32(bytes, FRAGMENT_HEADER_BYTES);
  if (totalBytes > messageBytes + PACK_OVERHEAD_BYTES) {
    throw frameError(
      "TooLong",
      `a pack of ${totalBytes} bytes exceeds messageBytes ${messageBytes}`,
    );
  }
  return { lane, first, last, totalBytes, piece };
}

interface Partial {
  readonly pack: Uint8Array;
  filled: number;
}

/**
 * Puts the fragments of one link together. It holds at most one pack per lane, of at most
 * `messageBytes` and a header, whatever the peer sends.
 */
export class Assembly {
  readonly #messageBytes: number;
  readonly #partials: (Partial | undefined)[] = [];

  constructor(messageBytes: number) {
    this.#messageBytes = messageBytes;
  }

  /** The whole pack once its last fragment is there, else `null`; FrameError if the order is broken. */
  add(fragment: Fragment): Uint8Array | null {
    const lane = laneIndex(fragment.lane);
    const partial = fragment.first ? this.#begin(lane, fragment) : this.#partials[lane];
    if (partial === undefined) {
      throw frameError("BadFragment", `a fragment of lane ${fragment.lane} came before its first`);
    }
    const { pack } = partial;
    if (fragment.piece.length > pack.length - partial.filled) {
      throw frameError("BadFragment", `fragments of lane ${fragment.lane} exceed their pack`);
    }
    pack.set(fragment.piece, partial.filled);
    partial.filled += fragment.piece.length;
    if (fragment.last !== (partial.filled === pack.length)) {
      throw frameError("BadFragment", `fragments of lane ${fragment.lane} do not fill their pack`);
    }
    if (!fragment.last) return null;
    this.#partials[lane] = undefined;
    if (pack[0] !== FRAME_KIND.pack || pack[1] !== lane) {
      throw frameError(
        "BadFragment",
        `fragments of lane ${fragment.lane} are no pack of that lane`,
      );
    }
    return pack;
  }

  #begin(lane: number, fragment: Fragment): Partial {
    if (this.#partials[lane] !== undefined) {
      throw frameError("BadFragment", `lane ${fragment.lane} has two packs in fragments`);
    }
    const totalBytes = fragment.totalBytes ?? 0;
    if (totalBytes > this.#messageBytes + PACK_OVERHEAD_BYTES) {
      throw frameError("TooLong", `a pack of ${totalBytes} bytes exceeds ${this.#messageBytes}`);
    }
    const partial = { pack: new Uint8Array(totalBytes), filled: 0 };
    this.#partials[lane] = partial;
    return partial;
  }
}
