/**
 * In which order the transfers of a run start, as a pure function over their states.
 *
 * - Dependencies hold in every strategy: a transfer starts when all it depends on has succeeded.
 * - `sequential`: one at a time, the earliest declared that may start. `parallel`: all that may start.
 *   `mixed`: only the lowest level of the dependency graph that is not settled yet.
 * - A transfer whose dependency failed, was skipped or cancelled is skipped, unless its condition
 *   names that dependency: then the condition decides, once every dependency is settled.
 * - A condition that is false skips its transfer (the caller evaluates it), and so its dependents.
 * - With `continueOnError` false nothing starts after a failure: all that waits is skipped.
 */

import type { Plan, PlannedTransfer, StepState } from "./plan.ts";

/** What of a plan the order depends on. */
export type OrderPlan =
  & Pick<Plan, "strategy" | "maxConcurrency" | "continueOnError" | "levels">
  & {
    readonly transfers: readonly (Pick<PlannedTransfer, "name" | "dependsOn"> & {
      readonly condition: { readonly refersTo: readonly string[] } | null;
    })[];
  };

/** Why a transfer will not run: the transfer that is to blame, and how it ended. */
export interface SkipReason {
  readonly reason: "dependency" | "stopped";
  readonly of: string;
  readonly state: StepState;
}

/** A transfer that is to be marked as skipped. */
export interface Skip {
  readonly name: string;
  readonly why: SkipReason;
}

/** What to do now: mark `skip` as skipped and `start` as running; `ended` once nothing is left. */
export interface Move {
  readonly start: readonly string[];
  readonly skip: readonly Skip[];
  readonly ended: null | "succeeded" | "failed";
}

/** A skip in words. */
export function skipText(why: SkipReason): string {
  return why.reason === "dependency"
    ? `its dependency ${why.of} ${wasState(why.state)}`
    : `${why.of} ${wasState(why.state)} and continueOnError is false`;
}

function wasState(state: StepState): string {
  return state === "skipped" || state === "cancelled" ? `was ${state}` : state;
}

/** Whether a state is final. */
export function isSettled(state: StepState): boolean {
  return state !== "waiting" && state !== "running";
}

/** How many transfers may run at once. */
export function concurrencyOf(plan: Pick<OrderPlan, "strategy" | "maxConcurrency">): number {
  return plan.strategy === "sequential" ? 1 : plan.maxConcurrency;
}

/**
 * What may start and what is to be skipped, from the states alone; O(transfers + dependencies). A name
 * without a state is waiting. A run of many transfers uses `Frontier`, which answers the same.
 */
export function ready(plan: OrderPlan, states: ReadonlyMap<string, StepState>): Move {
  const now = new Map(
    plan.transfers.map((step) => [step.name, states.get(step.name) ?? "waiting"]),
  );
  const skip = skips(plan, now);
  for (const { name } of skip) now.set(name, "skipped");
  const running = [...now.values()].filter((state) => state === "running").length;
  const start = candidates(plan, now).slice(0, Math.max(0, concurrencyOf(plan) - running));
  const open = [...now.values()].some((state) => !isSettled(state));
  return { start, skip, ended: open ? null : outcome(now) };
}

function outcome(states: ReadonlyMap<string, StepState>): "succeeded" | "failed" {
  const bad = [...states.values()].some((state) => state === "failed" || state === "cancelled");
  return bad ? "failed" : "succeeded";
}

function skips(plan: OrderPlan, states: ReadonlyMap<string, StepState>): Skip[] {
  const now = new Map(states);
  const stopper = plan.continueOnError ? undefined : plan.transfers.find((step) => {
    const state = now.get(step.name);
    return state === "failed" || state === "cancelled";
  });
  const byName = new Map(plan.transfers.map((step) => [step.name, step]));
  const found: Skip[] = [];
  for (const name of plan.levels.flat()) {
    if (now.get(name) !== "waiting") continue;
    const why = stopper === undefined
      ? brokenDependency(byName.get(name)!, now)
      : { reason: "stopped", of: stopper.name, state: now.get(stopper.name)! } as const;
    if (why === null) continue;
    now.set(name, "skipped");
    found.push({ name, why });
  }
  return found;
}

/** The first dependency that ended badly and about which the condition says nothing. */
export function brokenDependency(
  step: OrderPlan["transfers"][number],
  states: ReadonlyMap<string, StepState>,
): SkipReason | null {
  for (const dependency of step.dependsOn) {
    const state = states.get(dependency) ?? "waiting";
    if (!isSettled(state) || state === "succeeded") continue;
    if (step.condition?.refersTo.includes(dependency)) continue;
    return { reason: "dependency", of: dependency, state };
  }
  return null;
}

function candidates(plan: OrderPlan, states: ReadonlyMap<string, StepState>): string[] {
  const level = plan.strategy === "mixed" ? lowestOpenLevel(plan, states) : null;
  return plan.transfers
    .filter((step) => states.get(step.name) === "waiting")
    .filter((step) => level === null || level.has(step.name))
    .filter((step) => step.dependsOn.every((name) => isSettled(states.get(name) ?? "waiting")))
    .map((step) => step.name);
}

function lowestOpenLevel(
  plan: OrderPlan,
  states: ReadonlyMap<string, StepState>,
): ReadonlySet<string> {
  const level = plan.levels.find((names) =>
    names.some((name) => !isSettled(states.get(name) ?? "waiting"))
  );
  return new Set(level ?? []);
}
