/** Random orders as a core could give them: appends, truncations, resets, votes, compactions. */

import type { Entry, HardState } from "../../../../runtime/raft/core/entry.ts";
import type { PersistOrder } from "../../../../runtime/raft/core/outputs.ts";
import type { StoredSnapshot } from "../../../../runtime/raft/storage.ts";
import { applied, EMPTY, lastIndexOf, type ModelState, storedAt } from "./log_model.ts";

/** A source of numbers in [0, 1). */
export type Next = () => number;

/** What happens next: an order, or a compaction for which `newest` has been made durable. */
export type Step =
  | { readonly do: "persist"; readonly order: PersistOrder }
  | { readonly do: "compact"; readonly index: number };

/** See the head of this file. */
export class OrderMaker {
  readonly #next: Next;
  readonly #longBytes: number;
  /** After all that was made. */
  state: ModelState = EMPTY;
  newest: StoredSnapshot | null = null;
  #number = 0;
  #made = 0;

  constructor(next: Next, longBytes: number) {
    this.#next = next;
    this.#longBytes = longBytes;
  }

  step(): Step {
    const dice = this.#next();
    const last = lastIndexOf(this.state);
    const covered = this.newest?.snapshot.index ?? 0;
    if (dice < 0.1 && last > covered + 1) return this.#compact(covered + 1, last);
    if (dice < 0.15) return this.#reset(last);
    if (dice < 0.3) return this.#order({ hardState: this.#hardState() });
    const isTruncation = dice < 0.45 && last > covered;
    const first = isTruncation ? this.#between(covered + 1, last) : last + 1;
    const term = Math.max(1, this.state.hardState.term) + (isTruncation ? 1 : 0);
    const entries = this.#entries(first, term);
    const needsState = isTruncation || this.state.hardState.term < term || this.#next() < 0.4;
    const hardState = needsState ? { ...this.#hardState(), term } : null;
    return this.#order({ entries, hardState });
  }

  #order(parts: Partial<PersistOrder>): Step {
    this.#number += 1;
    const order = { number: this.#number, reset: null, entries: [], hardState: null, ...parts };
    this.state = applied(this.state, order);
    return { do: "persist", order };
  }

  #reset(last: number): Step {
    this.newest = storedAt(last + this.#between(1, 9), this.state.hardState.term + 1);
    const reset = this.newest.snapshot;
    const hardState = { term: reset.term, vote: null, commit: reset.index };
    return this.#order({ reset, hardState });
  }

  #compact(low: number, last: number): Step {
    const index = this.#between(low, last);
    const entry = this.state.entries[index - this.state.base.index - 1];
    this.newest = storedAt(index, entry!.term);
    return { do: "compact", index };
  }

  #hardState(): HardState {
    const term = this.state.hardState.term + this.#between(0, 2);
    const vote = this.#next() < 0.5 ? null : `member ${this.#between(1, 3)}`;
    return { term, vote, commit: this.#between(0, lastIndexOf(this.state)) };
  }

  #entries(first: number, term: number): Entry[] {
    return Array.from({ length: this.#between(1, 4) }, (_, position): Entry => {
      const length = this.#next() < 0.3 ? this.#between(0, this.#longBytes) : 10;
      const text = this.#next() < 0.1 ? "" : `entry ${this.#made++} `.padEnd(length, "abcdefg");
      const kind = text === "" ? "noop" : "command";
      const index = first + position;
      return { index, term, stampMs: index, kind, data: new TextEncoder().encode(text) };
    });
  }

  #between(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1));
  }
}
