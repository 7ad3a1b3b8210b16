/** Commands that wait for their outcome, from the moment they are asked for until somebody is told. */

import { WheelEntry } from "../actor/wheel.ts";
import type { Deadlines } from "../actor/deadlines.ts";
import type { Durability } from "./core/input.ts";
import { RaftError } from "./errors.ts";

/** What became of a command. `result` is null where nobody waited for it (durability `leader`). */
export interface Settled<Result> {
  readonly index: number;
  readonly result: Result | null;
  /** What it reached: `quorum` where `all` was asked for means that a voter was too slow. */
  readonly durability: Durability;
}

/** A command on its way. */
export class Pending<Result> extends WheelEntry {
  /** Where it stands in the log, once it does. */
  at: { readonly index: number; readonly term: number } | null = null;
  /** Somebody else may have put it into the log: giving it up leaves its outcome unknown. */
  isAway = false;
  /** The core of this member has it, and may have put it into the log without our having heard. */
  isGiven = false;
  #settled: Settled<Result> | null = null;
  #level: Durability | null = null;

  constructor(
    readonly id: number,
    readonly data: Uint8Array,
    readonly durability: Durability,
    private readonly deadlines: Deadlines,
    private readonly done: (pending: Pending<Result>) => void,
    private readonly resolve: (settled: Settled<Result>) => void,
    private readonly reject: (error: RaftError) => void,
  ) {
    super();
  }

  /** The machine has applied it. */
  applied(index: number, result: Result | null): void {
    this.#settled = { index, result, durability: "quorum" };
    if (this.durability !== "all") return this.#finish(this.#settled);
    this.#settleAll();
  }

  /** It has reached a durability beyond the usual one. */
  durable(level: Durability): void {
    this.#level = level;
    if (this.durability === "leader") {
      return this.#finish({ index: this.at?.index ?? 0, result: null, durability: "leader" });
    }
    this.#settleAll();
  }

  /** It may be in a log. */
  get isOut(): boolean {
    return this.isAway || this.isGiven || this.at !== null;
  }

  fail(error: RaftError): void {
    this.#end();
    this.reject(error);
  }

  /** Time is over. */
  override expire(): void {
    this.fail(this.isOut ? unknownOutcome("time was over") : tooLate());
  }

  #settleAll(): void {
    if (this.#settled === null || this.#level === null) return;
    this.#finish({ ...this.#settled, durability: this.#level });
  }

  #finish(settled: Settled<Result>): void {
    this.#end();
    this.resolve(settled);
  }

  #end(): void {
    this.deadlines.cancel(this);
    this.done(this);
  }
}

/** The error of a command that may have been applied or not. */
export function unknownOutcome(why: string): RaftError {
  return new RaftError(
    "UnknownOutcome",
    `propose a command: ${why}, it may be applied or not; ask again in the same session`,
    { retryable: true, definite: false },
  );
}

function tooLate(): RaftError {
  return new RaftError(
    "NoLeader",
    "propose a command: no leader took it in time; nothing was done, try again",
    { retryable: true },
  );
}
