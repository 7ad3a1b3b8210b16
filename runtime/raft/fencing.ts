/**
 * Fencing tokens (Kleppmann's term): who acts for a group outside of it shows one, and whatever it acts
 * on refuses those that are older than the newest it has seen.
 */

import { RaftError } from "./errors.ts";

/** A right that a group gave, greater than all that it gave before. */
export interface FencingToken {
  /** Grows when the group is restored from a backup, whose log may have lost its end. */
  readonly epoch: number;
  readonly group: string;
  /** Where the entry that gave it stands in the group's log. */
  readonly index: number;
}

/** Negative if `a` is older than `b`. Tokens of different groups have no order. */
export function compareTokens(a: FencingToken, b: FencingToken): number {
  return a.epoch - b.epoch || a.index - b.index;
}

/** What stands before something that must not be touched by an earlier holder. One per group and thing. */
export class Fence {
  #newest: FencingToken | null;

  /** `newest`: the newest token seen so far, where that was kept. */
  constructor(newest: FencingToken | null = null) {
    this.#newest = newest;
  }

  /** To be kept, where the thing outlives this process. */
  get newest(): FencingToken | null {
    return this.#newest;
  }

  /** Lets the holder of the newest token pass; RaftError `StaleToken` for all others. */
  pass(token: FencingToken): void {
    const newest = this.#newest;
    if (newest !== null && newest.group !== token.group) {
      throw stale(token, `it guards against holders of group "${newest.group}"`);
    }
    if (newest !== null && compareTokens(token, newest) < 0) {
      throw stale(token, `epoch ${newest.epoch}, index ${newest.index} was seen`);
    }
    this.#newest = token;
  }
}

function stale({ group, epoch, index }: FencingToken, why: string): RaftError {
  const what = `act under the token of group "${group}", epoch ${epoch}, index ${index}`;
  return new RaftError("StaleToken", `${what}: ${why}; this holder was replaced and must stop`);
}
