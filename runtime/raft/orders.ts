/** Changes of members and transfers of leadership on their way to the leader's core and back. */

import { WheelEntry } from "../actor/wheel.ts";
import type { Deadlines } from "../actor/deadlines.ts";
import { errorData } from "../base/errors.ts";
import type { MemberId } from "./core/entry.ts";
import type { Input } from "./core/input.ts";
import type { Answer } from "./core/outputs.ts";
import { RaftError } from "./errors.ts";
import type { ForwardedOutcome, GroupOrder } from "./group_messages.ts";
import { type Leader, refusal } from "./proposals.ts";

/** What orders need. */
export interface OrdersParts {
  readonly deadlines: Deadlines;
  /** How long an order that was passed on to us may take. */
  readonly orderMs: number;
  readonly leader: () => Leader;
  /** Gives an order to the core of this member. */
  readonly input: (input: Input) => void;
  /** Passes it on to the leader; false where it certainly went nowhere. */
  readonly send: (to: MemberId, id: number, order: GroupOrder) => boolean;
}

/** Numbers of orders are apart from those of proposals. */
const FIRST_ID = 2 ** 50;

class Waiting extends WheelEntry {
  isAway = false;
  constructor(
    readonly id: number,
    readonly order: GroupOrder,
    readonly finish: (error: RaftError | null) => void,
  ) {
    super();
  }
  override expire(): void {
    this.finish(unknown(this.order, "time was over"));
  }
}

/** See the head of this file. */
export class Orders {
  readonly #parts: OrdersParts;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = FIRST_ID;
  #stopped: RaftError | null = null;

  constructor(parts: OrdersParts) {
    this.#parts = parts;
  }

  /** Resolves when it is done and committed. */
  give(order: GroupOrder, withinMs: number): Promise<void> {
    const leader = this.#parts.leader();
    if (leader === null) return Promise.reject(noLeader(order));
    return this.#add(order, withinMs, (waiting) => {
      if (leader.isSelf) return this.#toCore(waiting);
      waiting.isAway = true;
      if (!this.#parts.send(leader.id, waiting.id, order)) waiting.finish(noLeader(order));
    });
  }

  /** An order that another member passes on. */
  async lead(order: GroupOrder): Promise<ForwardedOutcome> {
    try {
      if (!this.#parts.leader()?.isSelf) throw noLeader(order);
      await this.#add(order, this.#parts.orderMs, (waiting) => this.#toCore(waiting));
      return { ok: true, index: 0, level: "quorum", result: null };
    } catch (error) {
      return { ok: false, ...errorData(error) };
    }
  }

  /** False if the answer is none to an order. */
  answered(answer: Answer): boolean {
    if (answer.id < FIRST_ID) return false;
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return true;
    const { order } = waiting;
    if (answer.outcome === "done") waiting.finish(null);
    else if (answer.outcome === "refused") waiting.finish(refusal(doing(order), answer));
    else if (answer.outcome === "unknown") waiting.finish(unknown(order, "the leader has changed"));
    return true;
  }

  /** False if the outcome is none of an order. */
  forwarded(id: number, outcome: ForwardedOutcome): boolean {
    if (id < FIRST_ID) return false;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined || !waiting.isAway) return true;
    if (outcome.ok) waiting.finish(null);
    else {
      const { code, message, definite, retryable } = outcome;
      waiting.finish(new RaftError(code as "UnknownOutcome", message, { definite, retryable }));
    }
    return true;
  }

  leaderChanged(): void {
    for (const waiting of [...this.#waiting.values()]) {
      if (waiting.isAway) waiting.finish(unknown(waiting.order, "the leader has changed"));
    }
  }

  stop(error: RaftError): void {
    this.#stopped = error;
    for (const waiting of [...this.#waiting.values()]) {
      waiting.finish(unknown(waiting.order, "this member has stopped"));
    }
  }

  #add(order: GroupOrder, withinMs: number, begin: (waiting: Waiting) => void): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#stopped !== null) return reject(this.#stopped);
      this.#lastId += 1;
      const waiting = new Waiting(this.#lastId, order, (error) => {
        if (!this.#waiting.delete(waiting.id)) return;
        this.#parts.deadlines.cancel(waiting);
        if (error === null) resolve();
        else reject(error);
      });
      this.#waiting.set(waiting.id, waiting);
      this.#parts.deadlines.set(waiting, withinMs);
      begin(waiting);
    });
  }

  #toCore({ id, order }: Waiting): void {
    if (order.do === "transfer") return this.#parts.input({ type: "transfer", id, to: order.to });
    this.#parts.input({ type: "change", id, change: order });
  }
}

function doing(order: GroupOrder): string {
  switch (order.do) {
    case "addLearner":
      return `add ${order.member.id} as a learner`;
    case "transfer":
      return order.to === null ? "hand leadership over" : `hand leadership over to ${order.to}`;
    case "replace":
      return `replace ${order.id} by ${order.by}`;
    default:
      return `${order.do} ${order.id}`;
  }
}

function noLeader(order: GroupOrder): RaftError {
  return new RaftError("NoLeader", `${doing(order)}: nobody leads the group now; try again`, {
    retryable: true,
  });
}

function unknown(order: GroupOrder, why: string): RaftError {
  return new RaftError(
    "UnknownOutcome",
    `${doing(order)}: ${why}, it may be done or not; look at the status`,
    { retryable: true, definite: false },
  );
}
