/** Why a history is illegal, as little of it as shows that. */

import type { Model, Operation } from "./model.ts";
import type { Part } from "./partition.ts";
import { picture } from "./picture.ts";
import { search, type SearchEnd } from "./search.ts";

/** Reads are left out in at most so many tries. */
const REDUCING_TRIES = 200;
/** Operations before the one without a place that are drawn. */
const SHOWN_BEFORE = 6;
const SHOWN_BESIDE = 10;
const SHOWN_TELLING = 3;

/** A part of a history that has no order. */
export interface Counterexample<Op, Result> {
  readonly keys: readonly string[];
  /** The longest part that has an order, in that order; reads that prove nothing are left out. */
  readonly prefix: readonly Operation<Op, Result>[];
  /** The operation that has no place, neither after `prefix` nor after any other order. */
  readonly stuck: Operation<Op, Result>;
  /** The operations around it. */
  readonly around: readonly Operation<Op, Result>[];
  /** All this for a person. */
  readonly text: string;
}

/** The smallest useful explanation of `end`, which is illegal. */
export function explain<State, Op, Result>(
  model: Model<State, Op, Result>,
  part: Part<Op, Result>,
  end: SearchEnd<Op, Result>,
  stepBudget: number,
): Counterexample<Op, Result> {
  const cut = until(part.operations, end);
  const reduced = withoutReads(model, cut, end, stepBudget);
  const { order, stuck } = reduced.end;
  if (stuck === undefined) throw new Error("explain a history: it is not illegal");
  const around = aroundOf(model, reduced.operations, order, stuck);
  const keys = part.keys.map((key) => JSON.stringify(key)).join(", ");
  const left = part.operations.length - reduced.operations.length;
  const text = [
    `illegal: key ${keys}: no order explains ${model.showOp(stuck.op, stuck.result)} by ` +
    `${stuck.client} (operation ${stuck.id})`,
    `longest order: ${order.length} operations, after which the state is ${
      stateAfter(model, order)
    }`,
    `  ${order.slice(-8).map((each) => `${each.client}: ${label(model, each)}`).join(", then ")}`,
    `left out: ${left} operations that come later or prove nothing; drawn: ${around.length}`,
    picture(
      around.map((each) => ({
        client: each.client,
        callAt: each.callAt,
        returnAt: each.returnAt,
        label: label(model, each),
        isMarked: each === stuck,
      })),
    ),
  ].join("\n");
  return { keys: part.keys, prefix: order, stuck, around, text };
}

function label<State, Op, Result>(
  model: Model<State, Op, Result>,
  { op, result }: Operation<Op, Result>,
): string {
  return model.showOp(op, result);
}

function stateAfter<State, Op, Result>(
  model: Model<State, Op, Result>,
  order: readonly Operation<Op, Result>[],
): string {
  let states: readonly State[] = [model.initial()];
  for (const { op, result } of order) {
    states = states.flatMap((state) => model.step(state, op, result)).slice(0, 1);
  }
  return states.map((state) => model.showState(state)).join(" or ");
}

/** What was called before the operation without a place returned: the rest cannot matter. */
function until<Op, Result>(
  operations: readonly Operation<Op, Result>[],
  { stuck }: SearchEnd<Op, Result>,
): readonly Operation<Op, Result>[] {
  const endAt = stuck?.returnAt ?? Infinity;
  return operations.filter((each) => each.callAt <= endAt);
}

interface Reduced<Op, Result> {
  readonly operations: readonly Operation<Op, Result>[];
  readonly end: SearchEnd<Op, Result>;
}

/** A legal history stays legal without a read, so what is illegal without it was illegal with it. */
function withoutReads<State, Op, Result>(
  model: Model<State, Op, Result>,
  operations: readonly Operation<Op, Result>[],
  end: SearchEnd<Op, Result>,
  stepBudget: number,
): Reduced<Op, Result> {
  let best: Reduced<Op, Result> = { operations, end };
  let reads = operations.filter((each) => each !== end.stuck && model.isRead(each.op, each.result));
  let size = reads.length;
  for (let tries = 0; size >= 1 && tries < REDUCING_TRIES;) {
    const kept: Operation<Op, Result>[] = [];
    for (let start = 0; start < reads.length; start += size, tries += 1) {
      const chunk = reads.slice(start, start + size);
      const smaller = best.operations.filter((each) => !chunk.includes(each));
      const next = search(model, smaller, stepBudget);
      if (next.verdict === "illegal") best = { operations: until(smaller, next), end: next };
      else kept.push(...chunk);
    }
    reads = kept;
    size = Math.floor(Math.min(size, reads.length) / 2);
  }
  return best;
}

function aroundOf<State, Op, Result>(
  model: Model<State, Op, Result>,
  operations: readonly Operation<Op, Result>[],
  order: readonly Operation<Op, Result>[],
  stuck: Operation<Op, Result>,
): readonly Operation<Op, Result>[] {
  const beside = operations.filter((each) =>
    each !== stuck && each.callAt <= stuck.returnAt && each.returnAt >= stuck.callAt
  ).sort((a, b) => b.callAt - a.callAt).slice(0, SHOWN_BESIDE);
  const telling = operations.filter((each) => model.explains?.(each.op, stuck.op, stuck.result))
    .slice(-SHOWN_TELLING);
  const shown = new Set([stuck, ...beside, ...telling, ...order.slice(-SHOWN_BEFORE)]);
  return operations.filter((each) => shown.has(each));
}
