/** The judge: is there an order in which one object alone would have given all these answers? */

import { type Counterexample, explain } from "./counterexample.ts";
import type { Model, Operation } from "./model.ts";
import { partition } from "./partition.ts";
import { search } from "./search.ts";

/** Steps of the model (and sets compared) in one part of a history: seconds, and some 100 MB. */
export const STEP_BUDGET = 2_000_000;

/** `unknown` means out of budget: no part was illegal, and not all were found in order. */
export interface Judgement<Op, Result> {
  readonly verdict: "ok" | "illegal" | "unknown";
  readonly operations: number;
  readonly parts: number;
  readonly steps: number;
  /** The keys of the parts that ran out of budget. */
  readonly unfinished: readonly string[];
  readonly counterexample?: Counterexample<Op, Result>;
}

/** Judges `operations` (definitely failed ones left out) against `model`. */
export function check<State, Op, Result>(
  model: Model<State, Op, Result>,
  operations: readonly Operation<Op, Result>[],
  stepBudget: number = STEP_BUDGET,
): Judgement<Op, Result> {
  const parts = partition(model, operations);
  const unfinished: string[] = [];
  let steps = 0;
  for (const part of parts) {
    const end = search(model, part.operations, stepBudget);
    steps += end.steps;
    const facts = { operations: operations.length, parts: parts.length, steps };
    if (end.verdict === "illegal") {
      const counterexample = explain(model, part, end, stepBudget);
      return { verdict: "illegal", ...facts, unfinished, counterexample };
    }
    if (end.verdict === "unknown") unfinished.push(...part.keys);
  }
  const verdict = unfinished.length > 0 ? "unknown" : "ok";
  return { verdict, operations: operations.length, parts: parts.length, steps, unfinished };
}
