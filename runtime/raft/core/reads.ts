/** Reads that wait until it is certain that the leader still led when they came (dissertation, 6.4). */

import type { MemberId } from "./entry.ts";

/** A read that waits at the leader. */
export interface PendingRead {
  readonly context: string;
  /** Who asked; null: this member's own driver. */
  readonly from: MemberId | null;
  /** State that has applied this answers it. */
  readonly index: number;
  /** The heartbeat round that confirms it was sent after it came. */
  readonly round: number;
}

/** The reads of a leader, in the order of their rounds. */
export class PendingReads {
  #unready: Pick<PendingRead, "context" | "from">[] = [];
  #waiting: PendingRead[] = [];

  get size(): number {
    return this.#unready.length + this.#waiting.length;
  }

  /** The newest round that a read waits for; 0: none. */
  get lastRound(): number {
    return this.#waiting.at(-1)?.round ?? 0;
  }

  /** A read that came before the first commit of the term: what is committed is not known yet. */
  postpone(context: string, from: MemberId | null): void {
    this.#unready.push({ context, from });
  }

  /** The first entry of the term is committed: the postponed reads begin now. */
  begin(index: number, round: number): void {
    for (const { context, from } of this.#unready) this.add({ context, from, index, round });
    this.#unready = [];
  }

  add(read: PendingRead): void {
    this.#waiting.push(read);
  }

  /** A quorum has answered `round` or a later one: takes the reads that this confirms. */
  confirm(round: number): readonly PendingRead[] {
    if (this.#waiting.length === 0 || (this.#waiting[0] as PendingRead).round > round) return [];
    const first = this.#waiting.findIndex((read) => read.round > round);
    const confirmed = first === -1 ? this.#waiting : this.#waiting.slice(0, first);
    this.#waiting = first === -1 ? [] : this.#waiting.slice(first);
    return confirmed;
  }

  /** Leadership is lost: takes everything. */
  abandon(): readonly Pick<PendingRead, "context" | "from">[] {
    const all = [...this.#unready, ...this.#waiting];
    this.#unready = [];
    this.#waiting = [];
    return all;
  }
}
