/**
 * Makes histories of key-values easier to judge, and no more or less legal:
 *
 * - values that nobody saw or compared with become one and the same;
 * - an unsure write of a value that is written once and was seen with one version had that version.
 */

import { canonical, stored } from "./canonical.ts";
import type { HistoryOp, HistoryOperation } from "./history.ts";

const UNSEEN = "(never seen)";

/** What became of the values of one key. */
interface Sightings {
  /** Values that were seen or compared with, and the versions they were seen with. */
  readonly versions: Map<string, Set<number>>;
  /** How often each is written. */
  readonly writes: Map<string, number>;
  /** Lists change what was written, so nothing is known. */
  hasAppends: boolean;
}

/** `operations` in the same order, each as simple as it can be. */
export function simplified(operations: readonly HistoryOperation[]): readonly HistoryOperation[] {
  const byKey = new Map<string, Sightings>();
  const of = (key: string): Sightings => {
    const known = byKey.get(key) ?? { versions: new Map(), writes: new Map(), hasAppends: false };
    byKey.set(key, known);
    return known;
  };
  for (const { op, result } of operations) {
    if (isWrite(op)) count(of(op.key).writes, canonical(op.value));
    if (op.op === "append") of(op.key).hasAppends = true;
    if (op.expect !== undefined && "value" in op.expect) see(of(op.key), op.expect.value);
    if (op.op === "get") see(of(op.key), result?.value, result?.version);
    for (const entry of result?.entries ?? []) see(of(entry.key), entry.value, entry.version);
  }
  return operations.map((operation) => {
    const sightings = of(operation.op.key);
    return isWrite(operation.op) && !sightings.hasAppends
      ? simple(operation, sightings)
      : operation;
  });
}

function simple(operation: HistoryOperation, { versions, writes }: Sightings): HistoryOperation {
  const value = canonical(operation.op.value);
  const seenWith = versions.get(value);
  if (seenWith === undefined) {
    if (versions.has(canonical(UNSEEN))) return operation;
    return { ...operation, op: { ...operation.op, value: UNSEEN } };
  }
  const [version, another] = seenWith;
  if (operation.result !== undefined || version === undefined || another !== undefined) {
    return operation;
  }
  return writes.get(value) === 1 ? { ...operation, result: { version } } : operation;
}

function isWrite(op: HistoryOp): boolean {
  return (op.op === "put" || op.op === "cas") && stored(op.value) !== null;
}

function count(counts: Map<string, number>, value: string): void {
  counts.set(value, (counts.get(value) ?? 0) + 1);
}

function see({ versions }: Sightings, value: unknown, version?: number): void {
  const text = stored(value);
  if (text === null) return;
  const known = versions.get(text) ?? new Set();
  if (version !== undefined) known.add(version);
  versions.set(text, known);
}
