/** What is durable, and what must not be said before it is. */

import { assert } from "../../base/assert.ts";
import type { HardState, SnapshotMeta } from "./entry.ts";
import type { RaftLog } from "./log.ts";
import type { Message } from "./messages.ts";
import type { PersistOrder } from "./outputs.ts";

/** `vote`: term and vote must be durable before. `all`: entries too. */
export type Need = "vote" | "all";

interface Outstanding {
  readonly number: number;
  /** The last index that this order makes durable; less once entries of it were replaced. */
  lastIndex: number;
}

interface Held {
  readonly message: Message;
  readonly need: Need;
  readonly term: number;
}

interface Deferred extends Held {
  readonly number: number;
}

/** The orders of one member and their completions. */
export class Persistence {
  /** All entries up to here are durable as they stand in the log. */
  durableIndex: number;
  #orderedIndex: number;
  #number = 0;
  #confirmed = 0;
  /** The newest order that holds term and vote. */
  #voteNumber = 0;
  #written: HardState;
  #reset: SnapshotMeta | null = null;
  #outstanding: Outstanding[] = [];
  #held: Held[] = [];
  #deferred: Deferred[] = [];

  constructor(hardState: HardState, lastIndex: number) {
    this.#written = hardState;
    this.#orderedIndex = lastIndex;
    this.durableIndex = lastIndex;
  }

  /** Whether term and vote, as they were ordered last, are durable. */
  get voteIsDurable(): boolean {
    return this.#voteNumber <= this.#confirmed;
  }

  /** Sends `message` as soon as what it stands on is durable; `term` is the member's own. */
  hold(message: Message, need: Need, term: number): void {
    this.#held.push({ message, need, term });
  }

  /** Entries from `from` on were replaced: orders under way make them durable no longer. */
  truncated(from: number): void {
    this.#orderedIndex = Math.min(this.#orderedIndex, from - 1);
    this.durableIndex = Math.min(this.durableIndex, from - 1);
    for (const order of this.#outstanding) order.lastIndex = Math.min(order.lastIndex, from - 1);
  }

  /** The log consists of a durable snapshot only. */
  resetTo(snapshot: SnapshotMeta): void {
    for (const order of this.#outstanding) order.lastIndex = 0;
    this.#reset = snapshot;
    this.#orderedIndex = snapshot.index;
    this.durableIndex = snapshot.index;
  }

  /** Orders whatever is new; null if nothing is. */
  order(log: RaftLog, hardState: HardState): PersistOrder | null {
    const { lastIndex } = log;
    const voteIsNew = hardState.term !== this.#written.term ||
      hardState.vote !== this.#written.vote;
    if (!voteIsNew && lastIndex === this.#orderedIndex && this.#reset === null) return null;
    const number = ++this.#number;
    // The commit index alone is not worth a write: it is a hint.
    const hintIsNew = hardState.commit !== this.#written.commit;
    const order: PersistOrder = {
      number,
      reset: this.#reset,
      entries: lastIndex > this.#orderedIndex
        ? log.slice(this.#orderedIndex + 1, lastIndex, Infinity)
        : [],
      hardState: voteIsNew || hintIsNew ? hardState : null,
    };
    if (voteIsNew) this.#voteNumber = number;
    this.#written = hardState;
    this.#reset = null;
    this.#orderedIndex = lastIndex;
    this.#outstanding.push({ number, lastIndex });
    return order;
  }

  /** Moves what may be said now to `send`; after `order` of the same step. */
  release(send: Message[]): void {
    if (this.#held.length === 0) return;
    for (const held of this.#held) {
      const number = held.need === "vote" ? this.#voteNumber : this.#number;
      if (number <= this.#confirmed) send.push(held.message);
      else this.#deferred.push({ ...held, number });
    }
    this.#held = [];
  }

  /** The orders up to `number` are durable; `term` is the member's own, older answers are void. */
  confirmed(number: number, term: number, send: Message[]): void {
    assert(number <= this.#number, "only what was ordered is confirmed");
    if (number <= this.#confirmed) return;
    this.#confirmed = number;
    let done = 0;
    for (; done < this.#outstanding.length; done++) {
      const order = this.#outstanding[done] as Outstanding;
      if (order.number > number) break;
      this.durableIndex = Math.max(this.durableIndex, order.lastIndex);
    }
    this.#outstanding.splice(0, done);
    if (this.#deferred.length > 0) this.#say(term, send);
  }

  #say(term: number, send: Message[]): void {
    const waiting = this.#deferred.filter((deferred) => deferred.number > this.#confirmed);
    for (const deferred of this.#deferred) {
      if (deferred.number <= this.#confirmed && deferred.term === term) send.push(deferred.message);
    }
    this.#deferred = waiting;
  }
}
