/**
 * Splits a history into parts that can be judged apart: an object made of independent ones is
 * linearizable if and only if each of them is (Herlihy and Wing, "Linearizability", 1990, theorem 1).
 */

import type { Model, Operation } from "./model.ts";

/** Operations that share keys with each other and with nothing else. */
export interface Part<Op, Result> {
  readonly keys: readonly string[];
  readonly operations: readonly Operation<Op, Result>[];
}

/** Sets of names that have been joined. */
class Joined {
  readonly #parent = new Map<string, string>();

  root(name: string): string {
    let at = name;
    for (let up = this.#parent.get(at); up !== undefined; up = this.#parent.get(at)) at = up;
    return at;
  }

  join(a: string, b: string): void {
    const [from, to] = [this.root(a), this.root(b)];
    if (from !== to) this.#parent.set(from, to);
  }
}

/** The parts of `operations`, the largest last. */
export function partition<State, Op, Result>(
  model: Model<State, Op, Result>,
  operations: readonly Operation<Op, Result>[],
): readonly Part<Op, Result>[] {
  const touches = operations.map(({ op }) => model.touches(op));
  const keys = [...new Set(touches.flat().flatMap((touch) => "key" in touch ? [touch.key] : []))];
  const joined = new Joined();
  const prefixes = new Set(touches.flat().flatMap((t) => "prefix" in t ? [t.prefix] : []));
  for (const prefix of prefixes) {
    for (const key of keys) if (key.startsWith(prefix)) joined.join(`key ${key}`, `all ${prefix}`);
  }
  const names = touches.map((of) => of.map((t) => "key" in t ? `key ${t.key}` : `all ${t.prefix}`));
  for (const [first, ...others] of names) {
    for (const other of others) joined.join(first as string, other);
  }
  const parts = Map.groupBy(operations.keys(), (index) => joined.root(names[index]?.[0] ?? ""));
  return [...parts].map(([root, indexes]) => ({
    keys: keys.filter((key) => joined.root(`key ${key}`) === root),
    operations: indexes.map((index) => operations[index] as Operation<Op, Result>),
  })).sort((a, b) => a.operations.length - b.operations.length);
}
