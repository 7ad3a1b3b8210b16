/**
 * Keys with values and versions. A write gives its key a version above all it had; where nobody was
 * told which, it is open until somebody sees it. Histories without versions leave all of them open.
 */

import { canonical, stored } from "./canonical.ts";
import type { HistoryOp, HistoryResult } from "./history.ts";
import { simplified } from "./kv_simplify.ts";
import type { Model, Touch } from "./model.ts";

/** A key. Values are canonical JSON. */
interface Cell {
  /** null: nothing is there. */
  readonly value: string | null;
  /** 0 where nothing is; null: not known, but above `floor`. */
  readonly version: number | null;
  /** No version up to this one is given again. */
  readonly floor: number;
}

/** The keys that were ever written. */
export type KvState = ReadonlyMap<string, Cell>;

const ABSENT: Cell = { value: null, version: 0, floor: 0 };

/** get, put, delete, cas, append and list. */
export const kvModel: Model<KvState, HistoryOp, HistoryResult> = {
  initial: () => new Map(),
  step(state, op, result) {
    if (op.op === "list") return listed(state, op.key, result);
    const cell = state.get(op.key) ?? ABSENT;
    return cellAfter(cell, op, result).map((after) =>
      after === cell ? state : new Map(state).set(op.key, after)
    );
  },
  identity: (state) => [...state].map(([key, cell]) => identityOf(key, cell)).sort().join(";"),
  isRead: (op, result) =>
    op.op === "get" || op.op === "list" || (op.op === "cas" && result?.applied === false),
  touches: (op): readonly Touch[] => [op.op === "list" ? { prefix: op.key } : { key: op.key }],
  simplified,
  rank(op, result) {
    if (op.op === "get" || op.op === "list" || !result?.version) return null;
    return result.applied === false ? null : { of: op.key, at: result.version };
  },
  effect: ({ op, key, value, expect }) => canonical([op, key, value ?? null, expect ?? null]),
  explains: (op, stuck, result) =>
    op.key === stuck.key && stored(op.value) !== null &&
    canonical(op.value) === canonical(result?.value ?? null),
  showOp,
  showState: (state) =>
    [...state].map(([key, cell]) => `${key}=${showCell(cell)}`).join(" ") || "empty",
};

function identityOf(key: string, { value, version, floor }: Cell): string {
  return `${JSON.stringify(key)}=${value}@${version}>${floor}`;
}

function cellAfter(cell: Cell, op: HistoryOp, result: HistoryResult | undefined): readonly Cell[] {
  switch (op.op) {
    case "get":
      return result === undefined ? [cell] : seen(cell, result.value ?? null, result.version);
    case "put":
      return written(cell, stored(op.value), result?.version);
    case "append":
      return written(cell, appended(cell.value, op.value ?? null), result?.version);
    case "delete":
      return deleted(cell, result);
    case "cas":
      return compared(cell, op, result);
    default:
      throw new Error(`judge a history: ${op.op} is no operation of a key-value store`);
  }
}

/** What is known after somebody saw `value` (canonical if `undefined` was not) and `version`. */
function seen(cell: Cell, value: unknown, version: number | undefined): readonly Cell[] {
  if (canonical(value) !== (cell.value ?? "null")) return [];
  return versionSeen(cell, version);
}

function versionSeen(cell: Cell, version: number | undefined): readonly Cell[] {
  if (version === undefined) return [cell];
  if (cell.value === null) return version === 0 ? [cell] : [];
  if (cell.version !== null) return cell.version === version ? [cell] : [];
  return version > cell.floor ? [{ ...cell, version, floor: version }] : [];
}

function written(cell: Cell, value: string | null, version: number | undefined): readonly Cell[] {
  const open = value === null ? 0 : null;
  if (version === undefined) return [{ value, version: open, floor: cell.floor }];
  return version > cell.floor ? [{ value, version: open ?? version, floor: version }] : [];
}

function deleted(cell: Cell, result: HistoryResult | undefined): readonly Cell[] {
  const existed = cell.value !== null;
  if (result?.applied !== undefined && result.applied !== existed) return [];
  const version = result?.version === 0 ? undefined : result?.version;
  return !existed && version === undefined ? [cell] : written(cell, null, version);
}

function compared(
  cell: Cell,
  { expect, value }: HistoryOp,
  result: HistoryResult | undefined,
): readonly Cell[] {
  if (expect === undefined) throw new Error("judge a history: a cas expects nothing");
  if (result?.applied === false) {
    if ("value" in expect) {
      return canonical(expect.value) === (cell.value ?? "null")
        ? []
        : versionSeen(cell, result.version);
    }
    return versionSeen(cell, result.version).filter((after) => versionOf(after) !== expect.version);
  }
  const before = "value" in expect
    ? seen(cell, expect.value, undefined)
    : versionSeen(cell, expect.version);
  return before.flatMap((each) => written(each, stored(value), result?.version));
}

function versionOf(cell: Cell): number | null {
  return cell.value === null ? 0 : cell.version;
}

function appended(list: string | null, value: unknown): string {
  if (list === null || list === "[]") return `[${canonical(value)}]`;
  if (!list.startsWith("[")) throw new Error("judge a history: append to what is no list");
  return `${list.slice(0, -1)},${canonical(value)}]`;
}

/** All keys under `prefix` at one moment. */
function listed(
  state: KvState,
  prefix: string,
  result: HistoryResult | undefined,
): readonly KvState[] {
  if (result === undefined) return [state];
  const entries = new Map((result.entries ?? []).map((entry) => [entry.key, entry]));
  if ([...entries.keys()].some((key) => !key.startsWith(prefix))) return [];
  const keys = new Set(
    [...entries.keys(), ...state.keys()].filter((key) => key.startsWith(prefix)),
  );
  let after = state;
  for (const key of keys) {
    const cell = state.get(key) ?? ABSENT;
    const entry = entries.get(key);
    const [next] = seen(cell, entry?.value ?? null, entry?.version);
    if (next === undefined) return [];
    if (next !== cell) after = new Map(after).set(key, next);
  }
  return [after];
}

function showOp(op: HistoryOp, result: HistoryResult | undefined): string {
  const asked = op.value === undefined ? op.op : `${op.op} ${JSON.stringify(op.value)}`;
  const expected = op.expect === undefined ? "" : ` if ${showExpect(op.expect)}`;
  return `${asked}${expected}${showResult(op, result)}`;
}

function showExpect(expect: NonNullable<HistoryOp["expect"]>): string {
  return "version" in expect ? `v${expect.version}` : JSON.stringify(expect.value);
}

function showResult(op: HistoryOp, result: HistoryResult | undefined): string {
  if (result === undefined) return " ?";
  const shown: string[] = [];
  if (result.applied !== undefined) shown.push(result.applied ? "yes" : "no");
  if (op.op === "get" || result.value !== undefined) {
    shown.push(JSON.stringify(result.value ?? null));
  }
  if (op.op === "list") {
    shown.push(
      ...(result.entries ?? []).map(({ key, value }) => `${key}=${JSON.stringify(value)}`),
    );
  }
  if (result.version !== undefined) shown.push(`v${result.version}`);
  return shown.length === 0 ? "" : ` -> ${shown.join(" ")}`;
}

function showCell({ value, version, floor }: Cell): string {
  if (value === null) return "nothing";
  if (version !== null) return `${value} v${version}`;
  return floor === 0 ? value : `${value} above v${floor}`;
}
