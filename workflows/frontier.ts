/** The same answers as `ready`, kept up to date step by step: a settled transfer costs its dependents. */

import { assert } from "../runtime/base/assert.ts";
import { dependentsOf } from "./graph.ts";
import { Heap } from "./heap.ts";
import type { StepState } from "./plan.ts";
import {
  brokenDependency,
  concurrencyOf,
  isSettled,
  type Move,
  type OrderPlan,
  type Skip,
} from "./strategy.ts";

/**
 * The moving edge of a run. `begin` says what starts first, `settle` what a transfer's end leads to. What
 * is answered under `start` counts as running and what is answered under `skip` as skipped from then on.
 */
export class Frontier {
  readonly #plan: OrderPlan;
  readonly #states: Map<string, StepState>;
  readonly #dependents: ReadonlyMap<string, readonly string[]>;
  readonly #steps: ReadonlyMap<string, OrderPlan["transfers"][number]>;
  readonly #levelOf = new Map<string, number>();
  readonly #order = new Map<string, number>();
  /** Dependencies that are not settled, by transfer. */
  readonly #open = new Map<string, number>();
  /** Transfers that are not settled, by level. */
  readonly #openInLevel: number[];
  readonly #candidates: Heap;
  #level = 0;
  #running = 0;
  #unsettled = 0;
  #bad = false;
  #stopper: string | null = null;

  /** Takes up a run where `states` left it; without them every transfer waits. O(size of the plan). */
  constructor(plan: OrderPlan, states: ReadonlyMap<string, StepState> = new Map()) {
    this.#plan = plan;
    this.#dependents = dependentsOf(plan.transfers);
    this.#steps = new Map(plan.transfers.map((step) => [step.name, step]));
    this.#states = new Map(
      plan.transfers.map((step) => [step.name, states.get(step.name) ?? "waiting"]),
    );
    plan.levels.forEach((names, level) => names.forEach((name) => this.#levelOf.set(name, level)));
    plan.transfers.forEach((step, index) => this.#order.set(step.name, index));
    this.#openInLevel = plan.levels.map(() => 0);
    this.#candidates = new Heap((name) => this.#startKey(name));
    for (const step of plan.transfers) this.#takeUp(step);
  }

  /** How every transfer stands now. */
  get states(): ReadonlyMap<string, StepState> {
    return this.#states;
  }

  /** What may start at first, or after the run was taken up again. */
  begin(): Move {
    const suspects = new Heap((name) => this.#levelKey(name));
    for (const step of this.#plan.transfers) suspects.push(step.name);
    return this.#move(suspects);
  }

  /** A running transfer has ended. `skipped` is said of one whose condition turned out false. */
  settle(name: string, state: Exclude<StepState, "waiting" | "running">): Move {
    assert(this.#states.get(name) === "running", `${name} is running when it settles`);
    this.#running -= 1;
    const suspects = new Heap((suspect) => this.#levelKey(suspect));
    this.#mark(name, state, suspects);
    if (this.#stopper === name) {
      for (const step of this.#plan.transfers) suspects.push(step.name);
    }
    return this.#move(suspects);
  }

  #takeUp(step: OrderPlan["transfers"][number]): void {
    const state = this.#states.get(step.name)!;
    const open = new Set(step.dependsOn);
    for (const name of open) if (isSettled(this.#states.get(name)!)) open.delete(name);
    this.#open.set(step.name, open.size);
    if (state === "running") this.#running += 1;
    if (!isSettled(state)) {
      this.#unsettled += 1;
      this.#openInLevel[this.#levelOf.get(step.name)!]! += 1;
    }
    if (state === "waiting" && open.size === 0) this.#candidates.push(step.name);
    this.#noteOutcome(step.name, state);
  }

  #noteOutcome(name: string, state: StepState): void {
    if (state !== "failed" && state !== "cancelled") return;
    this.#bad = true;
    if (!this.#plan.continueOnError) this.#stopper ??= name;
  }

  #mark(name: string, state: StepState, suspects: Heap): void {
    this.#states.set(name, state);
    this.#unsettled -= 1;
    this.#openInLevel[this.#levelOf.get(name)!]! -= 1;
    this.#noteOutcome(name, state);
    for (const dependent of this.#dependents.get(name) ?? []) {
      const open = this.#open.get(dependent)! - 1;
      this.#open.set(dependent, open);
      if (state !== "succeeded") suspects.push(dependent);
      if (open === 0 && this.#states.get(dependent) === "waiting") this.#candidates.push(dependent);
    }
  }

  #move(suspects: Heap): Move {
    const skip = this.#skipBroken(suspects);
    const start: string[] = [];
    const room = concurrencyOf(this.#plan);
    while (this.#running < room) {
      const name = this.#nextCandidate();
      if (name === null) break;
      this.#states.set(name, "running");
      this.#running += 1;
      start.push(name);
    }
    const ended = this.#unsettled > 0 ? null : this.#bad ? "failed" : "succeeded";
    return { start, skip, ended };
  }

  /** Level by level, so that a reason names the nearest dependency. */
  #skipBroken(suspects: Heap): Skip[] {
    const skip: Skip[] = [];
    for (let name = suspects.pop(); name !== null; name = suspects.pop()) {
      if (this.#states.get(name) !== "waiting") continue;
      const why = this.#stopper === null
        ? brokenDependency(this.#steps.get(name)!, this.#states)
        : {
          reason: "stopped",
          of: this.#stopper,
          state: this.#states.get(this.#stopper)!,
        } as const;
      if (why === null) continue;
      this.#mark(name, "skipped", suspects);
      skip.push({ name, why });
    }
    return skip;
  }

  #nextCandidate(): string | null {
    while (this.#level < this.#openInLevel.length && this.#openInLevel[this.#level] === 0) {
      this.#level += 1;
    }
    for (let name = this.#candidates.peek(); name !== null; name = this.#candidates.peek()) {
      if (this.#states.get(name) === "waiting") {
        const early = this.#plan.strategy === "mixed" && this.#levelOf.get(name)! > this.#level;
        if (early) return null;
        return this.#candidates.pop();
      }
      this.#candidates.pop();
    }
    return null;
  }

  #startKey(name: string): number {
    return this.#plan.strategy === "mixed" ? this.#levelKey(name) : this.#order.get(name)!;
  }

  #levelKey(name: string): number {
    return this.#levelOf.get(name)! * this.#plan.transfers.length + this.#order.get(name)!;
  }
}
