/** A lock for each key, held by a client; and a counter for each key. Neither knows of versions. */

import type { HistoryOp, HistoryResult } from "./history.ts";
import type { Model } from "./model.ts";

/** acquire and release; `applied` says whether it was given, or was held by who releases. */
export const lockModel: Model<string | null, HistoryOp, HistoryResult> = {
  initial: () => null,
  step(holder, { op, client }, result) {
    const isApplied = op === "acquire" ? holder === null : holder === client;
    if (result !== undefined && result.applied !== isApplied) return [];
    if (!isApplied) return [holder];
    return [op === "acquire" ? client : null];
  },
  identity: (holder) => JSON.stringify(holder),
  isRead: (_, result) => result?.applied === false,
  touches: ({ key }) => [{ key }],
  effect: ({ op, client }) => `${op} ${client}`,
  showOp: ({ op }, result) => result === undefined ? `${op} ?` : `${op} -> ${result.applied}`,
  showState: (holder) => holder === null ? "free" : `held by ${holder}`,
};

/** add (a number; the answer is the total, if it is told) and get. */
export const counterModel: Model<number, HistoryOp, HistoryResult> = {
  initial: () => 0,
  step(total, { op, value }, result) {
    const after = op === "add" ? total + Number(value ?? 1) : total;
    return result?.value !== undefined && result.value !== after ? [] : [after];
  },
  identity: String,
  isRead: ({ op }) => op === "get",
  touches: ({ key }) => [{ key }],
  effect: ({ value }) => String(value ?? 1),
  showOp: ({ op, value }, result) =>
    `${op}${op === "add" ? ` ${value ?? 1}` : ""}${
      result === undefined ? " ?" : ` -> ${result.value}`
    }`,
  showState: String,
};
