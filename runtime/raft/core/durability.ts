/** Commands that wait: for their commit, for every full voter, or for the leader's own disk. */

import type { Answer } from "./outputs.ts";

interface WaitsForAll {
  readonly id: number;
  readonly index: number;
  readonly deadlineMs: number;
}

/** How far things are. */
export interface Reached {
  readonly nowMs: number;
  readonly commit: number;
  /** Durable on every full voter. */
  readonly everywhere: number;
  /** Durable here. */
  readonly here: number;
}

/** The commands of a leader, in the order of their indexes. */
export class Waiters {
  /** Uncommitted commands as pairs of numbers: there are many, and most are never looked at. */
  #ids: number[] = [];
  #indexes: number[] = [];
  #forAll: WaitsForAll[] = [];
  #forLeader: { readonly id: number; readonly index: number }[] = [];

  /** An answer waits for more than the commit. */
  get isWaited(): boolean {
    return this.#forAll.length > 0 || this.#forLeader.length > 0;
  }

  forQuorum(id: number, index: number): void {
    this.#ids.push(id);
    this.#indexes.push(index);
  }

  forAll(id: number, index: number, deadlineMs: number): void {
    this.#forAll.push({ id, index, deadlineMs });
  }

  forLeader(id: number, index: number): void {
    this.#forLeader.push({ id, index });
  }

  /** Everything up to `commit` is committed. */
  committed(commit: number): void {
    const open = this.#indexes.findIndex((index) => index > commit);
    const done = open === -1 ? this.#indexes.length : open;
    this.#ids.splice(0, done);
    this.#indexes.splice(0, done);
  }

  /** Answers those that have reached their level, or may wait no longer. */
  settle(reached: Reached, answers: Answer[]): void {
    this.#forLeader = this.#forLeader.filter(({ id, index }) => {
      if (index > reached.here) return true;
      answers.push({ id, outcome: "durable", level: "leader" });
      return false;
    });
    this.#forAll = this.#forAll.filter(({ id, index, deadlineMs }) => {
      if (index > reached.commit) return true;
      const everywhere = index <= reached.everywhere;
      if (!everywhere && reached.nowMs < deadlineMs) return true;
      answers.push({ id, outcome: "durable", level: everywhere ? "all" : "quorum" });
      return false;
    });
  }

  /** Leadership is lost: nobody knows what becomes of them. */
  abandon(answers: Answer[]): void {
    const ids = [...this.#ids, ...this.#forAll.map(({ id }) => id)];
    for (const { id } of this.#forLeader) ids.push(id);
    for (const id of ids) answers.push({ id, outcome: "unknown" });
    this.#ids = [];
    this.#indexes = [];
    this.#forAll = [];
    this.#forLeader = [];
  }
}
