/**
 * Pieces of snapshots on their way to the members that need them. The core orders the piece that is
 * confirmed next; some more follow it unasked, so that a round trip and a sync there are not waited for
 * one by one.
 */

import type { MemberId } from "../core/entry.ts";
import type { SnapshotChunk } from "../core/messages.ts";
import type { SendChunk } from "../core/outputs.ts";
import type { SnapshotStore } from "../storage.ts";
import { isSameSnapshot } from "./snapshot_format.ts";

const NO_BYTES = new Uint8Array(0);

/** What a sender needs. */
export interface PieceSenderParts {
  readonly from: MemberId;
  readonly snapshots: Pick<SnapshotStore, "read">;
  readonly chunkBytes: number;
  /** Pieces under way to one member. */
  readonly chunkWindow: number;
  /** False where it certainly went nowhere. */
  readonly send: (message: SnapshotChunk) => boolean;
  /** The file of that snapshot is gone. */
  readonly lost: (to: MemberId, index: number) => void;
  readonly failed: (error: unknown) => void;
}

/** One snapshot on its way to one member. */
interface Stream {
  /** The last order: all before its offset is confirmed. */
  order: SendChunk & { readonly offset: number };
  /** What is sent next. */
  next: number;
  isReading: boolean;
}

/** See the head of this file. */
export class PieceSender {
  readonly #parts: PieceSenderParts;
  readonly #streams = new Map<MemberId, Stream>();

  constructor(parts: PieceSenderParts) {
    this.#parts = parts;
  }

  /** Sends what the core has ordered, or what follows it; a question (`offset` null) begins anew. */
  order(order: SendChunk): void {
    const { to, offset } = order;
    if (offset === null) {
      this.#streams.delete(to);
      this.#send(order, 0, NO_BYTES);
      return;
    }
    const known = this.#streams.get(to);
    const placed = { ...order, offset };
    const stream = known !== undefined && goesOn(known, placed)
      ? known
      : { order: placed, next: offset, isReading: false };
    stream.order = placed;
    this.#streams.set(to, stream);
    if (!stream.isReading) void this.#pump(stream);
  }

  stop(): void {
    this.#streams.clear();
  }

  /** One piece after the other, in order, as far as the window goes. */
  async #pump(stream: Stream): Promise<void> {
    stream.isReading = true;
    try {
      while (this.#isCurrent(stream) && this.#hasRoom(stream)) await this.#sendNext(stream);
    } catch (error) {
      this.#parts.failed(error);
    } finally {
      stream.isReading = false;
    }
  }

  #hasRoom({ order: { offset, file }, next }: Stream): boolean {
    const { chunkBytes, chunkWindow } = this.#parts;
    return next < Math.min(file.bytes, offset + chunkWindow * chunkBytes);
  }

  async #sendNext(stream: Stream): Promise<void> {
    const { snapshots, chunkBytes, lost } = this.#parts;
    const { to, snapshot, file } = stream.order;
    const bytes = await snapshots.read({ snapshot, file }, stream.next, chunkBytes);
    if (!this.#isCurrent(stream)) return;
    if (bytes !== null && this.#send(stream.order, stream.next, bytes)) {
      stream.next += bytes.length;
      return;
    }
    // What went nowhere is asked for again when the core's patience ends.
    this.#streams.delete(to);
    if (bytes === null) lost(to, snapshot.index);
  }

  #send({ to, term, session, snapshot, file }: SendChunk, offset: number, bytes: Uint8Array) {
    const head = { from: this.#parts.from, to, term, session };
    return this.#parts.send({ type: "snapshotChunk", ...head, snapshot, file, offset, bytes });
  }

  #isCurrent(stream: Stream): boolean {
    return this.#streams.get(stream.order.to) === stream;
  }
}

/** The same transfer, of which more is confirmed: its receiver has not fallen back. */
function goesOn({ order: before, next }: Stream, order: Stream["order"]): boolean {
  return before.term === order.term && before.session === order.session &&
    isSameSnapshot(before, order) && before.offset <= order.offset && order.offset <= next;
}
