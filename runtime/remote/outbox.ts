/**
 * What a link sends next. Control and reply go first, in that order; consensus, message and bulk take
 * turns by bytes: a deficit round robin (Shreedhar and Varghese, 1995) that lets a lane overdraw by one
 * frame and pay for it in its next turn, so that no frame has to be measured before it is built.
 */

import { ActorError } from "../actor/errors.ts";
import { Mailbox } from "../actor/mailbox.ts";
import { assert } from "../base/assert.ts";
import { KIB } from "../base/units.ts";
import { fragments } from "./fragments.ts";
import {
  encodePack,
  type Packed,
  packParts,
  type RecordHead,
  recordText,
  sharedBytes,
} from "./frames.ts";
import { PACK_OVERHEAD_BYTES, SEPARATOR } from "./frames_layout.ts";
import type { RemoteLimits } from "./limits.ts";
import { type Lane, LANES, MESSAGE_LANES, type MessageLane } from "./wire.ts";

/** A shorter byte field costs less to copy than a frame in two parts. */
const APART_BYTES = 64 * KIB;

/** The limits that an {@link Outbox} keeps. */
export type OutboxLimits = Pick<
  RemoteLimits,
  | "frameBytes"
  | "bulkFrameBytes"
  | "bulkPieceBytes"
  | "packBytes"
  | "consensusQuantumBytes"
  | "messageQuantumBytes"
  | "bulkQuantumBytes"
>;

/** A frame for the socket. */
export interface OutboxFrame {
  readonly lane: Lane;
  readonly bytes: Uint8Array;
  /** The frame continues in this byte field, which was not copied; `null` if it is all in `bytes`. */
  readonly rest: Uint8Array | null;
  /** How many records have left with it: 0 for a fragment that is not the last. */
  readonly records: number;
}

/** The queue of one lane and the record of it that is in fragments. */
class LaneQueue {
  readonly items = new Mailbox<Packed>();
  bytes = 0;
  /** Bytes that the lane may still send in its turn; below 0 what it has overdrawn. */
  deficit = 0;
  #pieces: Iterator<Uint8Array> | null = null;
  #nextPiece: Uint8Array | null = null;

  readonly #frameBytes: number;
  readonly #pieceBytes: number;

  constructor(readonly lane: Lane, readonly limits: OutboxLimits) {
    this.#frameBytes = lane === "bulk" ? limits.bulkFrameBytes : limits.frameBytes;
    this.#pieceBytes = lane === "bulk"
      ? Math.min(limits.bulkPieceBytes, limits.bulkFrameBytes)
      : limits.frameBytes;
  }

  push(packed: Packed): void {
    this.items.push(packed);
    this.bytes += packed.bytes;
  }

  /** The next frame; the lane is not empty. */
  next(): OutboxFrame {
    if (this.#nextPiece !== null) return this.#fragment();
    const { lane, limits } = this;
    const first = this.items.peek();
    assert(first !== undefined, "a lane that is asked for a frame has a record");
    // A record that may not fit a frame stays in the queue until its last fragment leaves.
    const alone = PACK_OVERHEAD_BYTES + first.bytes + SEPARATOR.length > limits.packBytes;
    if (PACK_OVERHEAD_BYTES + first.bytes > this.#frameBytes) return this.#cut(first);
    if (lane === "bulk" && isBytes(first)) return this.#whole(first);
    const items = alone ? [first] : this.#takePack();
    if (alone) this.#shift();
    return { lane, bytes: encode(lane, items), rest: null, records: items.length };
  }

  /** What is sent on the bulk lane was given away, so it need not be copied. */
  #whole(item: Packed): OutboxFrame {
    const [bytes, ...fields] = partsOf(this.lane, item);
    this.#shift();
    return { lane: this.lane, bytes: bytes!, rest: fields[0] ?? null, records: 1 };
  }

  #cut(item: Packed): OutboxFrame {
    this.#pieces = fragments(partsOf(this.lane, item), this.#pieceBytes);
    this.#advance();
    return this.#fragment();
  }

  /** Takes all that has not left, whole records only. */
  takeAll(): Packed[] {
    this.#pieces = null;
    this.#nextPiece = null;
    const all: Packed[] = [];
    for (let item = this.items.shift(); item !== undefined; item = this.items.shift()) {
      all.push(item);
    }
    this.bytes = 0;
    return all;
  }

  #takePack(): Packed[] {
    const items: Packed[] = [];
    let bytes = PACK_OVERHEAD_BYTES;
    let before: RecordHead | null = null;
    for (let item = this.items.peek(); item !== undefined; item = this.items.peek()) {
      bytes += item.bytes - sharedBytes(item, before) + SEPARATOR.length;
      if (items.length > 0 && bytes > this.limits.packBytes) break;
      before = item.head;
      items.push(item);
      this.#shift();
    }
    return items;
  }

  #fragment(): OutboxFrame {
    const bytes = this.#nextPiece;
    assert(bytes !== null, "a record in fragments has a next one");
    this.#advance();
    if (this.#nextPiece !== null) return { lane: this.lane, bytes, rest: null, records: 0 };
    this.#shift();
    return { lane: this.lane, bytes, rest: null, records: 1 };
  }

  #advance(): void {
    const step = this.#pieces?.next();
    const more = step !== undefined && step.done !== true;
    this.#nextPiece = more ? step.value : null;
    if (!more) this.#pieces = null;
  }

  #shift(): void {
    this.bytes -= this.items.shift()!.bytes;
  }
}

/** A record that is one long byte field, and little else. */
function isBytes({ attachments: [first, ...others] }: Packed): boolean {
  return first !== undefined && others.length === 0 && first.length >= APART_BYTES;
}

/** See {@link encode}. */
function partsOf(lane: Lane, item: Packed): Uint8Array[] {
  try {
    return packParts(lane, item);
  } catch (error) {
    if (!(error instanceof ActorError)) throw error;
    return packParts(lane, withoutBody(item));
  }
}

/** A record whose byte field has changed its length since it was packed costs itself, not the others. */
function encode(lane: Lane, items: readonly Packed[]): Uint8Array {
  try {
    return encodePack(lane, items);
  } catch (error) {
    if (!(error instanceof ActorError)) throw error;
    return encodePack(lane, items.map((item) => isWhole(lane, item) ? item : withoutBody(item)));
  }
}

function isWhole(lane: Lane, item: Packed): boolean {
  try {
    encodePack(lane, [item]);
    return true;
  } catch (error) {
    if (error instanceof ActorError) return false;
    throw error;
  }
}

/** The record with a body that no receiver takes, as long as it was, so that all counts stay true. */
function withoutBody(item: Packed): Packed {
  const { bytes } = item;
  const record = JSON.parse(recordText(item)) as Record<string, unknown>;
  const empty = JSON.stringify({ ...record, body: { $: "lost" } });
  const length = new TextEncoder().encode(empty).length;
  assert(length <= bytes, "a lost body is shorter than a byte field");
  return { head: null, text: empty + " ".repeat(bytes - length), attachments: [], bytes };
}

/** The queues of one link. Every call is O(1) per record. */
export class Outbox {
  readonly #lanes: Readonly<Record<Lane, LaneQueue>>;
  readonly #urgent: readonly LaneQueue[];
  /** Message lanes that have something, in the order of their turns. */
  readonly #turns: LaneQueue[] = [];
  readonly #quantum: Readonly<Record<MessageLane, number>>;

  constructor(limits: OutboxLimits) {
    const queue = (lane: Lane): LaneQueue => new LaneQueue(lane, limits);
    const [control, reply] = [queue("control"), queue("reply")];
    this.#urgent = [control, reply];
    this.#lanes = {
      control,
      reply,
      consensus: queue("consensus"),
      message: queue("message"),
      bulk: queue("bulk"),
    };
    this.#quantum = {
      consensus: limits.consensusQuantumBytes,
      message: limits.messageQuantumBytes,
      bulk: limits.bulkQuantumBytes,
    };
  }

  /** Nothing is left to send. */
  get isEmpty(): boolean {
    return LANES.every((lane) => this.#lanes[lane].items.depth === 0);
  }

  /** Records of the lane that have not left; one in fragments counts until its last one left. */
  queuedMessages(lane: Lane): number {
    return this.#lanes[lane].items.depth;
  }

  /** Their bytes ({@link Packed.bytes}). */
  queuedBytes(lane: Lane): number {
    return this.#lanes[lane].bytes;
  }

  /** Appends a record to its lane. */
  push(lane: Lane, packed: Packed): void {
    const queue = this.#lanes[lane];
    if (queue.items.depth === 0 && isMessageLane(lane)) this.#turns.push(queue);
    queue.push(packed);
  }

  /** The next frame, `null` if there is nothing to send. */
  next(): OutboxFrame | null {
    for (const queue of this.#urgent) if (queue.items.depth > 0) return queue.next();
    return this.#turns.length === 0 ? null : this.#nextInTurn();
  }

  /** The next frame of the control lane, `null` if there is none: for a goodbye. */
  nextControl(): OutboxFrame | null {
    const { control } = this.#lanes;
    return control.items.depth > 0 ? control.next() : null;
  }

  /** Takes back what has not left, a record of which only some fragments have left included. */
  takeBack(lane: Lane): Packed[] {
    const queue = this.#lanes[lane];
    const place = this.#turns.indexOf(queue);
    if (place >= 0) this.#turns.splice(place, 1);
    return queue.takeAll();
  }

  #nextInTurn(): OutboxFrame {
    const queue = this.#nextLane();
    const frame = queue.next();
    queue.deficit -= frame.bytes.length + (frame.rest?.length ?? 0);
    // What an idle lane did not use or has overdrawn it keeps: less than a quantum, or than a frame.
    if (queue.items.depth === 0) this.#turns.shift();
    else if (queue.deficit <= 0) this.#turns.push(this.#turns.shift()!);
    return frame;
  }

  /** Whose turn it is; who has overdrawn by more than a quantum lets the others pass until it is paid. */
  #nextLane(): LaneQueue {
    for (;;) {
      const queue = this.#turns[0]!;
      if (queue.deficit > 0) return queue;
      queue.deficit += this.#quantum[queue.lane as MessageLane];
      if (queue.deficit > 0) return queue;
      if (this.#turns.length === 1) queue.deficit = 1; // nobody is there to let pass
      else this.#turns.push(this.#turns.shift()!);
    }
  }
}

function isMessageLane(lane: Lane): lane is MessageLane {
  return (MESSAGE_LANES as readonly Lane[]).includes(lane);
}
