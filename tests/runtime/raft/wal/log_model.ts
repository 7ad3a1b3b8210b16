/** A log that is nothing but arrays: what the one on disk must come to. */

import assert from "node:assert/strict";
import type { Entry, HardState, SnapshotMeta } from "../../../../runtime/raft/core/entry.ts";
import type { Restored } from "../../../../runtime/raft/core/options.ts";
import type { PersistOrder } from "../../../../runtime/raft/core/outputs.ts";
import type { StoredSnapshot } from "../../../../runtime/raft/storage.ts";

/** What `first` is in these tests. */
export const FIRST: SnapshotMeta = {
  index: 0,
  term: 0,
  stampMs: 0,
  configuration: {
    members: [{ id: "a", role: "voter", witness: false, priority: 1 }],
    outgoing: null,
  },
  configurationIndex: 0,
};

/** A snapshot of that place. */
export function storedAt(index: number, term: number): StoredSnapshot {
  return { snapshot: { ...FIRST, index, term }, file: { bytes: 1, crc: index } };
}

/** A state of the log; never changed. */
export interface ModelState {
  readonly base: SnapshotMeta;
  readonly hardState: HardState;
  /** All entries after `base`, compacted or not. */
  readonly entries: readonly Entry[];
}

export const EMPTY: ModelState = {
  base: FIRST,
  hardState: { term: 0, vote: null, commit: 0 },
  entries: [],
};

export function lastIndexOf(state: ModelState): number {
  return state.base.index + state.entries.length;
}

/** The state after an order. */
export function applied(state: ModelState, order: PersistOrder): ModelState {
  const base = order.reset ?? state.base;
  const before = order.reset === null ? state.entries : [];
  const first = order.entries[0]?.index ?? base.index + before.length + 1;
  return {
    base,
    hardState: order.hardState ?? state.hardState,
    entries: [...before.slice(0, first - base.index - 1), ...order.entries],
  };
}

/** The state that opening makes of this one: a snapshot that the log does not hold replaces it. */
export function reopened(state: ModelState, newest: StoredSnapshot | null): ModelState {
  const meta = newest?.snapshot;
  if (meta === undefined || meta.index <= state.base.index) return state;
  const held = state.entries[meta.index - state.base.index - 1];
  if (held !== undefined && held.term === meta.term) return state;
  return { base: meta, hardState: state.hardState, entries: [] };
}

function plain({ index, term, stampMs, kind, data }: Entry) {
  return [index, term, stampMs, kind, new TextDecoder().decode(data)];
}

/** Throws unless what was restored is this state, less what was compacted. */
export function assertRestored(
  restored: Restored,
  state: ModelState,
  newest: StoredSnapshot | null,
  compacted: number,
): void {
  const commit = Math.min(state.hardState.commit, lastIndexOf(state));
  assert.deepStrictEqual(restored.hardState, { ...state.hardState, commit });
  assert.deepStrictEqual(restored.snapshot, newest?.snapshot ?? state.base);
  assert.deepStrictEqual(restored.file, newest?.file ?? null);
  const from = restored.entries[0]?.index ?? lastIndexOf(state) + 1;
  const needed = Math.max(compacted, state.base.index) + 1;
  assert.ok(from <= needed, `entries from ${from} on, and ${needed} is needed`);
  const expected = state.entries.filter(({ index }) => index >= from);
  assert.deepStrictEqual(restored.entries.map(plain), expected.map(plain));
}

/** Whether what was restored is this state. */
export function isRestored(...args: Parameters<typeof assertRestored>): boolean {
  try {
    assertRestored(...args);
    return true;
  } catch {
    return false;
  }
}

/** The state with only the first entries of an order's: how a torn one may end that was cut up. */
export function partsOf(order: PersistOrder): PersistOrder[] {
  return order.entries.map((_, count) => ({ ...order, entries: order.entries.slice(0, count) }))
    .filter(({ entries }) => entries.length > 0);
}
