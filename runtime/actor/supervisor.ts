/** One actor's children: their order, their restarts, their ends. */

import type { Deadlines } from "./deadlines.ts";
import { ActorError } from "./errors.ts";
import {
  backoffDelayMs,
  type ChildrenPolicy,
  childrenPolicy,
  type FullPolicyOfChildren,
  Intensity,
  restarts,
  restartSet,
  type RestartType,
} from "./supervision.ts";
import { WheelEntry } from "./wheel.ts";

/** How an incarnation of a child ended. */
export interface Outcome {
  readonly reason: "stopped" | "failed";
  readonly error?: unknown;
}

/** A child as its supervisor sees it. */
export interface Supervised {
  readonly restartType: RestartType;
  readonly address: string;
  /** False once it was told to stop for good. */
  readonly open: boolean;
  /** Everything of the old incarnation has settled; it waits to be started or finished. */
  readonly isHalted: boolean;
  /** Ends the incarnation; `supervisor.down` is called once all of it settled. */
  haltToRestart(): void;
  /** Starts the next incarnation; false if that failed (then it halts again). */
  startAgain(): boolean;
  /** Ends it for good. */
  finish(): void;
}

/** What a supervisor needs of the actor it belongs to. */
export interface SupervisorHost {
  readonly address: string;
  /** The actor is stopping: nobody is restarted any more. */
  readonly isEnding: boolean;
  /** The children failed too often: so does their supervisor. */
  fail(error: unknown): void;
  noteRestart(child: Supervised, delayMs: number): void;
}

class RestartGroup<C> extends WheelEntry {
  readonly cells = new Set<C>();
  waited = false;
  constructor(readonly ready: (group: RestartGroup<C>) => void) {
    super();
  }
  override expire(): void {
    this.waited = true;
    this.ready(this);
  }
}

/** Supervises the children of one actor. */
export class Supervisor<C extends Supervised> {
  /** In start order. */
  readonly children = new Set<C>();
  readonly #policy: FullPolicyOfChildren;
  readonly #intensity: Intensity;
  readonly #host: SupervisorHost;
  readonly #deadlines: Deadlines;
  readonly #random: () => number;
  readonly #groups = new Map<C, RestartGroup<C>>();

  constructor(
    policy: ChildrenPolicy,
    host: SupervisorHost,
    deadlines: Deadlines,
    random: () => number,
  ) {
    this.#policy = childrenPolicy(policy);
    this.#intensity = new Intensity(this.#policy.max, this.#policy.perMs);
    this.#host = host;
    this.#deadlines = deadlines;
    this.#random = random;
  }

  /** A child has halted: restart it, or end it for good. */
  down(child: C, outcome: Outcome): void {
    const group = this.#groups.get(child);
    if (this.#host.isEnding || !child.open) return child.finish();
    if (group !== undefined) return this.#siblingDown(child, group);
    if (!restarts(child.restartType, outcome.reason)) return child.finish();
    if (this.#intensity.allow(this.#deadlines.now())) return this.#restart(child);
    child.finish();
    this.#host.fail(this.#tooOften(child, outcome));
  }

  /** Forgets a child that is gone for good. */
  removed(child: C): void {
    this.children.delete(child);
    const group = this.#groups.get(child);
    if (group === undefined) return;
    this.#groups.delete(child);
    group.cells.delete(child);
    this.#startIfReady(group);
  }

  /** Nobody is restarted any more. */
  close(): void {
    for (const group of this.#groups.values()) this.#deadlines.cancel(group);
    this.#groups.clear();
  }

  #siblingDown(child: C, group: RestartGroup<C>): void {
    if (child.restartType === "temporary") child.finish();
    else this.#startIfReady(group);
  }

  #restart(child: C): void {
    const { strategy } = this.#policy;
    const set = strategy === "oneForOne"
      ? [child] // without a walk over what may be very many
      : restartSet(strategy, [...this.children], child);
    const group = this.#groupFor();
    const delayMs = backoffDelayMs(this.#policy.backoffMs, this.#intensity.count, this.#random());
    for (const cell of set) {
      group.cells.add(cell);
      this.#groups.set(cell, group);
    }
    this.#deadlines.cancel(group);
    group.waited = false;
    this.#deadlines.set(group, delayMs);
    this.#host.noteRestart(child, delayMs);
    for (const cell of set.reverse()) {
      if (cell.isHalted) this.#endTemporary(cell);
      else cell.haltToRestart();
    }
  }

  #endTemporary(cell: C): void {
    if (cell.restartType === "temporary") cell.finish();
  }

  /** Strategies that restart several have one group at a time, which grows. */
  #groupFor(): RestartGroup<C> {
    const [open] = this.#groups.values();
    if (open !== undefined && this.#policy.strategy !== "oneForOne") return open;
    return new RestartGroup<C>((group) => this.#startIfReady(group));
  }

  #startIfReady(group: RestartGroup<C>): void {
    if (!group.waited) return;
    for (const cell of group.cells) if (!cell.isHalted) return;
    const inOrder = group.cells.size === 1
      ? [...group.cells]
      : [...this.children].filter((cell) => group.cells.has(cell));
    for (const cell of inOrder) this.#groups.delete(cell);
    group.cells.clear();
    for (const cell of inOrder) {
      if (cell.isHalted && !cell.startAgain()) return;
    }
  }

  #tooOften(child: C, outcome: Outcome): ActorError {
    const { max, perMs } = this.#policy;
    return new ActorError(
      "IntensityExceeded",
      `supervise ${child.address} by ${this.#host.address}: more than ${max} restarts in ${perMs} ms; the supervisor fails too`,
      { cause: outcome.error },
    );
  }
}
