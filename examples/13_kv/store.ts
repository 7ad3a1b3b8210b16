/** The replicated store: what a group of members agrees on. Pure; the same commands give the same state. */

import {
  type Applied,
  type Applying,
  jsonLines,
  type Machine,
  PersistentMap,
  readJsonLines,
  type Restoring,
} from "@quorus/quorus";

/** How many changes a watcher may be behind before it has to read everything again. */
const KEPT_CHANGES = 10_000;

/** A value; its version is the index in the log of the write that made it. */
export interface Item {
  readonly value: string;
  readonly version: number;
}

/** A change of one key; `value` null for a removal. */
export interface Change {
  readonly index: number;
  readonly key: string;
  readonly value: string | null;
}

/** A wish. `ifVersion`: only if the key has this version; 0 stands for "is absent". */
export type Command =
  | {
    readonly do: "put";
    readonly key: string;
    readonly value: string;
    readonly ifVersion?: number;
  }
  | { readonly do: "delete"; readonly key: string; readonly ifVersion?: number };

/** What became of it. `version` is the key's afterwards, 0 if it is absent. */
export interface Outcome {
  readonly done: boolean;
  readonly version: number;
}

/** The state. Changes stand under their number, which counts from 1. */
export interface Store {
  readonly items: PersistentMap<Item>;
  readonly changes: PersistentMap<Change>;
  readonly changeCount: number;
}

/** See the head of this file. */
export const store: Machine<Store, Command, Outcome> = {
  initial: () => ({ items: PersistentMap.empty(), changes: PersistentMap.empty(), changeCount: 0 }),
  apply,
  snapshot: (state) => jsonLines(lines(state)),
  restore,
};

function apply(state: Store, command: Command, { index }: Applying): Applied<Store, Outcome> {
  const { key, ifVersion } = command;
  const version = state.items.get(key)?.version ?? 0;
  if (ifVersion !== undefined && ifVersion !== version) {
    return { state, result: { done: false, version } };
  }
  if (command.do === "delete") {
    if (version === 0) return { state, result: { done: true, version } };
    const items = state.items.delete(key);
    return {
      state: changed(state, items, { index, key, value: null }),
      result: { done: true, version: 0 },
    };
  }
  const { value } = command;
  const items = state.items.set(key, { value, version: index });
  return {
    state: changed(state, items, { index, key, value }),
    result: { done: true, version: index },
  };
}

function changed(state: Store, items: Store["items"], change: Change): Store {
  const changeCount = state.changeCount + 1;
  let changes = state.changes.set(String(changeCount), change);
  if (changeCount > KEPT_CHANGES) changes = changes.delete(String(changeCount - KEPT_CHANGES));
  return { items, changes, changeCount };
}

/** The items whose keys begin with `prefix`, in the order of their keys. */
export function list(state: Store, prefix: string, limit: number): [string, Item][] {
  const found = [...state.items].filter(([key]) => key.startsWith(prefix));
  return found.sort(([a], [b]) => a < b ? -1 : 1).slice(0, limit);
}

/** Changes after the log's index `from`; null if some of them are forgotten. */
export function changesAfter(state: Store, from: number): Change[] | null {
  const found: Change[] = [];
  for (let number = state.changeCount; number >= 1; number -= 1) {
    const change = state.changes.get(String(number));
    if (change === undefined) return null;
    if (change.index <= from) break;
    found.push(change);
  }
  return found.reverse();
}

type Line = number | ["item", string, Item] | ["change", string, Change];

function* lines(state: Store): Iterable<Line> {
  yield state.changeCount;
  for (const [key, item] of state.items) yield ["item", key, item];
  for (const [number, change] of state.changes) yield ["change", number, change];
}

function restore(): Restoring<Store> {
  let { items, changes, changeCount } = store.initial();
  const take = (line: Line) => {
    if (typeof line === "number") changeCount = line;
    else if (line[0] === "item") items = items.set(line[1], line[2]);
    else changes = changes.set(line[1], line[2]);
  };
  return readJsonLines(take, () => ({ items, changes, changeCount }));
}
