/** Makes a failure small: a shorter run and fewer faults that still fail in the same way. */

import { limitValues } from "../base/limits.ts";
import { planOf, runSeed, type SeedRun } from "./explore_seed.ts";
import type { FaultPlan } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import { SIMULATION_LIMITS } from "./simulation_limits.ts";

const LIMITS = limitValues(SIMULATION_LIMITS);

/** A failure with as little around it as was found. */
export interface Shrunk {
  /** Which faults of the seed's plan are left, by index. */
  readonly faults: readonly number[];
  readonly durationMs: number;
  /** The plan that they make. */
  readonly plan: FaultPlan;
  /** The run that still fails. */
  readonly run: SeedRun;
  /** Runs that were tried. */
  readonly runs: number;
}

/** What shrinking may cost. */
export interface ShrinkBudget {
  readonly runs: number;
  readonly steps: number;
}

/**
 * The smallest part of `items` found for which `fails` is still true, by delta debugging (Zeller and
 * Hildebrandt, 2002); `fails` is never asked about the whole. It stops when `fails` says null.
 */
export async function ddmin<T>(
  items: readonly T[],
  fails: (part: readonly T[]) => Promise<boolean | null>,
): Promise<readonly T[]> {
  let left = items;
  if (left.length > 0 && await fails([]) === true) return [];
  for (let parts = 2; left.length >= 2;) {
    const smaller = await firstFailing(left, Math.min(parts, left.length), fails);
    if (smaller === null) return left;
    if (smaller !== undefined) {
      const isOnePart = smaller.length <= Math.ceil(left.length / parts);
      left = smaller;
      parts = isOnePart ? 2 : Math.max(2, parts - 1);
    } else if (parts >= left.length) return left;
    else parts = Math.min(left.length, parts * 2);
  }
  return left;
}

/** The first part or complement that fails; `null` when the budget is spent. */
async function firstFailing<T>(
  items: readonly T[],
  parts: number,
  fails: (part: readonly T[]) => Promise<boolean | null>,
): Promise<readonly T[] | undefined | null> {
  const cuts = Array.from({ length: parts + 1 }, (_, n) => Math.round(n * items.length / parts));
  const chunks = cuts.slice(1).map((end, n) => items.slice(cuts[n], end));
  const complements = parts === 2 ? [] : cuts.slice(1).map((end, n) => [
    ...items.slice(0, cuts[n]),
    ...items.slice(end),
  ]);
  for (const candidate of [...chunks, ...complements]) {
    const failed = await fails(candidate);
    if (failed === null) return null;
    if (failed) return candidate;
  }
  return undefined;
}

/** Shrinks the failed run of a seed; `base` is its plan where that is not the seed's own. */
export async function shrink(
  scenario: Scenario,
  failed: SeedRun,
  base: FaultPlan = planOf(scenario, failed.seed),
  budget: ShrinkBudget = { runs: LIMITS.shrinkRuns, steps: LIMITS.shrinkSteps },
): Promise<Shrunk> {
  return await new Shrinker(scenario, failed, base, budget).shrink();
}

class Shrinker {
  readonly #scenario: Scenario;
  readonly #base: FaultPlan;
  readonly #budget: ShrinkBudget;
  #best: SeedRun;
  #faults: readonly number[];
  #durationMs: number;
  #runs = 0;
  #steps = 0;

  constructor(scenario: Scenario, failed: SeedRun, base: FaultPlan, budget: ShrinkBudget) {
    this.#scenario = scenario;
    this.#base = base;
    this.#budget = budget;
    this.#best = failed;
    this.#durationMs = failed.plan.durationMs;
    const kept = new Set(failed.plan.events.map((event) => JSON.stringify(event)));
    this.#faults = base.events.flatMap((event, index) =>
      kept.has(JSON.stringify(event)) ? [index] : []
    );
  }

  async shrink(): Promise<Shrunk> {
    await this.#shorten();
    this.#faults = await ddmin(this.#faults, (faults) => this.#fails(faults, this.#durationMs));
    await this.#shorten();
    return {
      faults: this.#faults,
      durationMs: this.#durationMs,
      plan: this.#best.plan,
      run: this.#best,
      runs: this.#runs,
    };
  }

  /** A shorter run: to just after the failure, then halves, then by bisection to a tenth. */
  async #shorten(): Promise<void> {
    const soonMs = Math.ceil(this.#best.simMs) + 1;
    if (soonMs < this.#durationMs) await this.#fails(this.#faults, soonMs);
    let tooShortMs = 0;
    while (this.#durationMs - tooShortMs > this.#durationMs / 10 && this.#durationMs > 1) {
      const middleMs = Math.ceil((tooShortMs + this.#durationMs) / 2);
      if (middleMs >= this.#durationMs) return;
      const failed = await this.#fails(this.#faults, middleMs);
      if (failed === null) return;
      if (!failed) tooShortMs = middleMs;
    }
  }

  /** Whether a smaller run fails in the same check; if so it is the best so far. */
  async #fails(faults: readonly number[], durationMs: number): Promise<boolean | null> {
    if (this.#runs >= this.#budget.runs || this.#steps >= this.#budget.steps) return null;
    const { seed, failure } = this.#best;
    const inTime = faults.filter((index) => this.#base.events[index]!.atMs < durationMs);
    const run = await runSeed(this.#scenario, seed, {
      plan: this.#base,
      faults: inTime,
      durationMs,
    });
    this.#runs += 1;
    this.#steps += run.steps;
    if (run.failure?.check !== failure!.check) return false;
    this.#best = run;
    this.#faults = inTime;
    this.#durationMs = durationMs;
    return true;
  }
}
