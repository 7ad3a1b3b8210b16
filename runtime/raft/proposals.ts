/**
 * Commands on their way: to the log where this member leads, to the leader where another one does, or
 * waiting until somebody does. Those of one turn of the event loop travel together.
 */

import type { Deadlines } from "../actor/deadlines.ts";
import type { Env } from "../env/env.ts";
import type { Durability, Proposal } from "./core/input.ts";
import type { MemberId } from "./core/entry.ts";
import type { Answer } from "./core/outputs.ts";
import { RaftError } from "./errors.ts";
import type { ForwardedOutcome } from "./group_messages.ts";
import { Pending, type Settled, unknownOutcome } from "./pending.ts";

/** Who leads, as far as this member knows. */
export type Leader = { readonly id: MemberId; readonly isSelf: boolean } | null;

/** What proposals need. */
export interface ProposalsParts<Result> {
  readonly timers: Env["timers"];
  readonly deadlines: Deadlines;
  /** Until a command looks for a leader again. */
  readonly rerouteMs: number;
  readonly leader: () => Leader;
  /** Gives commands to the core of this member. */
  readonly propose: (proposals: readonly Proposal[]) => void;
  /** Sends a command to the leader; false where it certainly went nowhere. */
  readonly forward: (to: MemberId, proposal: Proposal, withinMs: number) => boolean;
  readonly decodeResult: (bytes: Uint8Array) => Result;
}

/** See the head of this file. */
export class Proposals<Result> {
  readonly #parts: ProposalsParts<Result>;
  readonly #pending = new Map<number, Pending<Result>>();
  readonly #byIndex = new Map<number, Pending<Result>>();
  /** For the core, at the end of this turn. */
  #gathering: Pending<Result>[] = [];
  /** Nobody leads. */
  readonly #homeless = new Set<Pending<Result>>();
  #lastId = 0;
  #stopped: RaftError | null = null;

  constructor(parts: ProposalsParts<Result>) {
    this.#parts = parts;
  }

  /** How many are on their way. */
  get size(): number {
    return this.#pending.size;
  }

  propose(
    data: Uint8Array,
    durability: Durability,
    withinMs: number,
  ): Promise<Settled<Result>> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== null) return reject(this.#stopped);
      this.#lastId += 1;
      const done = (one: Pending<Result>) => this.#forget(one);
      const { deadlines } = this.#parts;
      const pending = new Pending<Result>(
        this.#lastId,
        data,
        durability,
        deadlines,
        done,
        resolve,
        reject,
      );
      this.#pending.set(pending.id, pending);
      deadlines.set(pending, withinMs);
      this.#route(pending);
    });
  }

  /** The core's word on a command of ours. */
  answered(answer: Answer): boolean {
    const pending = this.#pending.get(answer.id);
    if (pending === undefined) return false;
    if (answer.outcome === "appended") {
      pending.at = answer;
      this.#byIndex.set(answer.index, pending);
    } else if (answer.outcome === "durable") pending.durable(answer.level);
    else if (answer.outcome === "unknown") pending.fail(unknownOutcome("the leader has changed"));
    else if (answer.outcome === "refused") this.#refused(pending, answer);
    return true;
  }

  /** The leader's word on a command that was passed on. */
  forwarded(id: number, outcome: ForwardedOutcome): void {
    const pending = this.#pending.get(id);
    if (pending === undefined || !pending.isAway) return;
    if (outcome.ok) {
      const result = outcome.result === null ? null : this.#parts.decodeResult(outcome.result);
      pending.at = { index: outcome.index, term: 0 };
      if (pending.durability !== "quorum") pending.durable(outcome.level as Durability);
      if (pending.durability !== "leader") pending.applied(outcome.index, result);
      return;
    }
    if (outcome.code === "NotLeader") {
      pending.isAway = false;
      return this.#wait(pending);
    }
    const { code, message, definite, retryable } = outcome;
    pending.fail(new RaftError(code as "UnknownOutcome", message, { definite, retryable }));
  }

  /** A command was applied. */
  applied(index: number, term: number, result: Result): void {
    const pending = this.#byIndex.get(index);
    if (pending === undefined) return;
    if (pending.at?.term === term) return pending.applied(index, result);
    this.#replaced(pending);
  }

  /** Something that is no command was applied. */
  passed(index: number): void {
    const pending = this.#byIndex.get(index);
    if (pending !== undefined) this.#replaced(pending);
  }

  /** Another leader's entry stands there: ours was cut off, and never will be applied. */
  #replaced(pending: Pending<Result>): void {
    const why = "propose a command: it was replaced by another leader's; it was not applied";
    pending.fail(new RaftError("NotLeader", `${why}, try again`, { retryable: true }));
  }

  /** What stood at these indexes is known to a snapshot only. */
  skipped(upTo: number): void {
    for (const [index, pending] of this.#byIndex) {
      if (index <= upTo) pending.fail(unknownOutcome("a snapshot came instead of its entry"));
    }
  }

  /** Somebody else leads, or nobody. */
  leaderChanged(): void {
    for (const pending of [...this.#pending.values()]) {
      if (pending.isAway) pending.fail(unknownOutcome("the leader has changed"));
    }
    if (this.#parts.leader() === null) return;
    const waiting = [...this.#homeless];
    this.#homeless.clear();
    for (const pending of waiting) this.#route(pending);
  }

  stop(error: RaftError): void {
    this.#stopped = error;
    for (const pending of [...this.#pending.values()]) {
      pending.fail(pending.isOut ? unknownOutcome("this member has stopped") : error);
    }
  }

  #route(pending: Pending<Result>): void {
    const leader = this.#parts.leader();
    if (leader === null) return void this.#homeless.add(pending);
    if (leader.isSelf) return this.#gather(pending);
    const withinMs = Math.max(1, pending.dueTick - this.#parts.deadlines.now());
    pending.isAway = this.#parts.forward(leader.id, pending, withinMs);
    if (!pending.isAway) this.#wait(pending);
  }

  /** Whoever we took for the leader is none: the next one is told of by an event, or by time. */
  #wait(pending: Pending<Result>): void {
    this.#homeless.add(pending);
    if (this.#homeless.size > 1) return;
    this.#parts.timers.after(this.#parts.rerouteMs, () => {
      const waiting = [...this.#homeless];
      this.#homeless.clear();
      for (const one of waiting) this.#route(one);
    });
  }

  #gather(pending: Pending<Result>): void {
    this.#gathering.push(pending);
    if (this.#gathering.length > 1) return;
    this.#parts.timers.soon(() => {
      const batch = this.#gathering.filter(({ id }) => this.#pending.has(id));
      this.#gathering = [];
      for (const one of batch) one.isGiven = true;
      if (batch.length > 0) this.#parts.propose(batch);
    });
  }

  #refused(pending: Pending<Result>, answer: Answer & { outcome: "refused" }): void {
    pending.isGiven = false;
    if (answer.code === "NotLeader") return this.#wait(pending);
    pending.fail(refusal("propose a command", answer));
  }

  #forget(pending: Pending<Result>): void {
    this.#pending.delete(pending.id);
    this.#homeless.delete(pending);
    if (pending.at !== null && this.#byIndex.get(pending.at.index) === pending) {
      this.#byIndex.delete(pending.at.index);
    }
  }
}

/** Refusals that pass by themselves. */
const PASSING = new Set([
  "NotLeader",
  "Transferring",
  "Overloaded",
  "ClockSkew",
  "ChangePending",
  "NoCommitInTerm",
]);

/** A refusal of the core as an error: nothing was done. */
export function refusal(doing: string, answer: Answer & { outcome: "refused" }): RaftError {
  const { code, reason, leader } = answer;
  return new RaftError(code, `${doing}: ${reason}`, {
    retryable: PASSING.has(code),
    details: { leader },
  });
}
