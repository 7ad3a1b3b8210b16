/**
 * The search for an order (Wing and Gong, "Testing and verifying concurrent objects", 1993), with
 * the memory of Lowe ("Testing for linearizability", 2017): a set of operations that led to a state
 * is left only once.
 *
 * Certain operations are numbered as they returned. The *frontier* is the first of them that has no
 * place yet; whatever was called before it returned may come next. So what has a place is all before
 * the frontier, a few that overlap it, and the set of unsure operations that were used. Exact cuts:
 *
 * - a read that fits is placed at once: later it could only fit worse;
 * - of two ways to the same state the one that used fewer unsure operations can do all that the other
 *   can, so a superset is not followed. Where a frontier is stuck, small sets are tried first;
 * - operations that their answers rank (by version) are tried in that order only;
 * - of unsure operations with one effect the one that was called first is used first.
 */

import { isUnsure, type Model, type Operation, type Rank } from "./model.ts";
import { OpenPlaces, type Place } from "./places.ts";

/** Sets that are compared in the time of a step. */
const SETS_PER_STEP = 16;

/** How a search ended. `order` is the longest part that could be put in order. */
export interface SearchEnd<Op, Result> {
  readonly verdict: "ok" | "illegal" | "unknown";
  readonly steps: number;
  readonly order: readonly Operation<Op, Result>[];
  /** If illegal: the first to return of those that have no place after any order. */
  readonly stuck?: Operation<Op, Result>;
}

/** Looks for an order in which every certain operation, and any of the unsure ones, has its answer. */
export function search<State, Op, Result>(
  model: Model<State, Op, Result>,
  operations: readonly Operation<Op, Result>[],
  stepBudget: number,
): SearchEnd<Op, Result> {
  return new Search(model, operations, stepBudget).run();
}

interface Choice {
  /** Below the number of certain ones: one of them; else an unsure one. */
  readonly operation: number;
  readonly state: number;
}

class Search<State, Op, Result> {
  readonly #model: Model<State, Op, Result>;
  readonly #certain: readonly Operation<Op, Result>[];
  readonly #unsure: readonly Operation<Op, Result>[];
  /** For each frontier: those behind it that were called before it returned. */
  readonly #overlap: readonly (readonly number[])[];
  /** For each certain one: the one that must come before it by rank; -1 if there is none. */
  readonly #before: readonly number[];
  /** For each unsure one: the last before it of equal effect; -1 if there is none. */
  readonly #alike: readonly number[];
  readonly #original: ReadonlyMap<Operation<Op, Result>, Operation<Op, Result>>;
  readonly #stepBudget: number;
  readonly #states: State[] = [];
  readonly #stateOf = new Map<string, number>();
  readonly #open = new OpenPlaces();
  /** The sets of unsure operations with which a place was reached. */
  readonly #seen = new Map<string, bigint[]>();
  #steps = 0;

  constructor(
    model: Model<State, Op, Result>,
    operations: readonly Operation<Op, Result>[],
    stepBudget: number,
  ) {
    this.#model = model;
    this.#stepBudget = stepBudget;
    const simple = model.simplified?.(operations) ?? operations;
    this.#original = new Map(
      operations.map((each, index) => [simple[index] as Operation<Op, Result>, each]),
    );
    this.#certain = simple.filter((operation) => !isUnsure(operation))
      .sort((a, b) => a.returnAt - b.returnAt);
    this.#unsure = simple.filter((each) => isUnsure(each) && !model.isRead(each.op, undefined))
      .sort((a, b) => a.callAt - b.callAt);
    this.#overlap = overlaps(this.#certain);
    this.#before = before(this.#certain.map(({ op, result }) => model.rank?.(op, result) ?? null));
    this.#alike = alike(
      this.#unsure.map(({ op, result }) => `${model.effect(op)} ${known(result)}`),
    );
  }

  run(): SearchEnd<Op, Result> {
    const state = this.#intern(this.#model.initial());
    let best: Place = { frontier: 0, ahead: [], used: 0n, level: 0, state, depth: 0, from: null };
    this.#open.add(best);
    for (let place = this.#open.take(); place !== null; place = this.#open.take()) {
      if (isFurther(place, best)) best = place;
      if (place.frontier === this.#certain.length) return this.#end("ok", place);
      if (this.#steps >= this.#stepBudget) return this.#end("unknown", best);
      // The last that is added is taken first.
      for (const choice of this.#choices(place).reverse()) {
        const next = this.#after(place, choice);
        if (this.#isNew(next)) this.#open.add(next);
      }
    }
    const last = this.#certain[best.frontier] as Operation<Op, Result>;
    const stuck = this.#original.get(last) as Operation<Op, Result>;
    return { ...this.#end("illegal", best), stuck };
  }

  /** What may come next; a read that fits stands alone. */
  #choices(place: Place): Choice[] {
    const choices: Choice[] = [];
    const { frontier, ahead, state } = place;
    for (const index of [frontier, ...this.#overlap[frontier] as readonly number[]]) {
      const first = this.#before[index] as number;
      if (ahead.includes(index) || (first >= frontier && !ahead.includes(first))) continue;
      const operation = this.#certain[index] as Operation<Op, Result>;
      const next = this.#step(operation, state);
      const isRead = this.#model.isRead(operation.op, operation.result);
      if (isRead && next.length === 1 && next[0] === state) return [{ operation: index, state }];
      for (const after of next) choices.push({ operation: index, state: after });
    }
    this.#addUnsure(place, choices);
    return choices;
  }

  #addUnsure({ frontier, used, state }: Place, choices: Choice[]): void {
    const latestCall = (this.#certain[frontier] as Operation<Op, Result>).returnAt;
    for (const [index, operation] of this.#unsure.entries()) {
      if (operation.callAt > latestCall) break;
      if (hasBit(used, index) || !hasBit(used, this.#alike[index] as number)) continue;
      for (const after of this.#step(operation, state)) {
        if (after !== state) {
          choices.push({ operation: this.#certain.length + index, state: after });
        }
      }
    }
  }

  #after(place: Place, { operation, state }: Choice): Place {
    const next = { ...place, state, depth: place.depth + 1, from: { place, operation } };
    if (operation >= this.#certain.length) {
      const bit = 1n << BigInt(operation - this.#certain.length);
      return { ...next, used: place.used | bit, level: place.level + 1 };
    }
    const placed = [...place.ahead, operation].sort((a, b) => a - b);
    let { frontier } = place;
    let passed = 0;
    for (; placed[passed] === frontier; passed += 1) frontier += 1;
    return { ...next, frontier, ahead: placed.slice(passed) };
  }

  #step(operation: Operation<Op, Result>, state: number): readonly number[] {
    this.#steps += 1;
    const next = this.#model.step(this.#states[state] as State, operation.op, operation.result);
    return next.map((after) => this.#intern(after));
  }

  #intern(state: State): number {
    const identity = this.#model.identity(state);
    const known = this.#stateOf.get(identity);
    if (known !== undefined) return known;
    this.#stateOf.set(identity, this.#states.length);
    return this.#states.push(state) - 1;
  }

  #isNew({ frontier, state, ahead, used }: Place): boolean {
    const key = `${frontier}/${state}/${ahead.join()}`;
    const seen = this.#seen.get(key);
    if (seen === undefined) {
      this.#seen.set(key, [used]);
      return true;
    }
    this.#steps += Math.ceil(seen.length / SETS_PER_STEP);
    if (seen.some((fewer) => (fewer & used) === fewer)) return false;
    seen.push(used);
    return true;
  }

  #end(verdict: "ok" | "illegal" | "unknown", last: Place): SearchEnd<Op, Result> {
    const order: Operation<Op, Result>[] = [];
    for (let { from } = last; from !== null; from = from.place.from) {
      const { operation } = from;
      const count = this.#certain.length;
      const each = operation < count ? this.#certain[operation] : this.#unsure[operation - count];
      order.push(this.#original.get(each as Operation<Op, Result>) as Operation<Op, Result>);
    }
    return { verdict, steps: this.#steps, order: order.reverse() };
  }
}

function known<Result>(result: Result | undefined): string {
  return result === undefined ? "" : JSON.stringify(result);
}

function before(ranks: readonly (Rank | null)[]): readonly number[] {
  const last = new Map<string, number>();
  const found: number[] = ranks.map(() => -1);
  const ranked = ranks.flatMap((rank, index) => rank === null ? [] : [{ ...rank, index }]);
  for (const { of, index } of ranked.sort((a, b) => a.at - b.at)) {
    found[index] = last.get(of) ?? -1;
    last.set(of, index);
  }
  return found;
}

function alike(effects: readonly string[]): readonly number[] {
  const last = new Map<string, number>();
  return effects.map((effect, index) => {
    const before = last.get(effect) ?? -1;
    last.set(effect, index);
    return before;
  });
}

/** Whether `bits` has bit `index`; none before the first counts as there. */
function hasBit(bits: bigint, index: number): boolean {
  return index < 0 || (bits >> BigInt(index) & 1n) === 1n;
}

function isFurther(a: Place, b: Place): boolean {
  return a.frontier > b.frontier || (a.frontier === b.frontier && a.depth > b.depth);
}

function overlaps<Op, Result>(byReturn: readonly Operation<Op, Result>[]): number[][] {
  const byCall = byReturn.map((operation, index) => ({ callAt: operation.callAt, index }))
    .sort((a, b) => a.callAt - b.callAt);
  let open: number[] = [];
  let called = 0;
  return byReturn.map((frontier, index) => {
    for (; called < byCall.length; called += 1) {
      const next = byCall[called] as { readonly callAt: number; readonly index: number };
      if (next.callAt > frontier.returnAt) break;
      open.push(next.index);
    }
    open = open.filter((each) => each > index);
    return open.toSorted((a, b) => a - b);
  });
}
