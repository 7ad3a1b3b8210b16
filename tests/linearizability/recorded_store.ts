/** For the checker's tests: a store that is right by being slow-witted, and histories of it. */

import type { HistoryOp, HistoryOperation, HistoryResult } from "./history.ts";

interface Stored {
  readonly value: unknown;
  readonly version: number;
}

/** One copy, one operation at a time; a write's version is the number of writes so far. */
export class RecordedStore {
  readonly #cells = new Map<string, Stored>();
  #index = 0;

  apply(op: HistoryOp): HistoryResult {
    const cell = this.#cells.get(op.key) ?? { value: null, version: 0 };
    switch (op.op) {
      case "get":
        return { value: cell.value as string, version: cell.version };
      case "put":
        return { version: this.#write(op.key, op.value ?? null) };
      case "delete": {
        const isThere = this.#cells.has(op.key);
        return { applied: isThere, version: isThere ? this.#write(op.key, null) : 0 };
      }
      case "append":
        return { version: this.#write(op.key, [...(cell.value ?? []) as unknown[], op.value]) };
      case "cas":
        return this.#compare(op, cell);
      default:
        return { entries: this.#entries(op.key) };
    }
  }

  #compare(op: HistoryOp, cell: Stored): HistoryResult {
    const expect = op.expect ?? { version: 0 };
    const fits = "version" in expect
      ? cell.version === expect.version
      : JSON.stringify(cell.value) === JSON.stringify(expect.value);
    if (!fits) return { applied: false, version: cell.version };
    return { applied: true, version: this.#write(op.key, op.value ?? null) };
  }

  #write(key: string, value: unknown): number {
    this.#index += 1;
    if (value === null) this.#cells.delete(key);
    else this.#cells.set(key, { value, version: this.#index });
    return this.#index;
  }

  #entries(prefix: string): { key: string; value: string; version: number }[] {
    return [...this.#cells].filter(([key]) => key.startsWith(prefix))
      .map(([key, { value, version }]) => ({ key, value: value as string, version }));
  }
}

/** An operation to come: it takes effect at `pointAt`, unless it is lost. */
export interface Plan {
  readonly op: HistoryOp;
  readonly callAt: number;
  readonly pointAt: number;
  readonly returnAt: number;
  /** Whether its client learns of its outcome. */
  readonly isAnswered: boolean;
  /** Not answered and never done. */
  readonly isLost: boolean;
}

/** What the clients of a {@link RecordedStore} see of `plans`: a history that is linearizable. */
export function record(plans: readonly Plan[]): readonly HistoryOperation[] {
  const store = new RecordedStore();
  const results = new Map<Plan, HistoryResult>();
  for (const plan of plans.toSorted((a, b) => a.pointAt - b.pointAt)) {
    if (plan.isAnswered || !plan.isLost) results.set(plan, store.apply(plan.op));
  }
  return plans.map((plan, id) => ({
    client: plan.op.client,
    id: String(id),
    op: plan.op,
    callAt: plan.callAt,
    returnAt: plan.isAnswered ? plan.returnAt : Infinity,
    result: plan.isAnswered ? results.get(plan) : undefined,
  }));
}

/** Numbers from 0 to 1 that are always the same for the same seed (mulberry32). */
export function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
