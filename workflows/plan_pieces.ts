/** A plan's transfers in pieces that fit into messages and commands: pure. */

import type { Plan, PlannedTransfer } from "./plan.ts";

/** Transfers of a plan that follow each other. */
export interface TransferPiece {
  readonly transfers: readonly PlannedTransfer[];
  /** The level of each of them. */
  readonly levels: readonly number[];
}

/** The transfers of a plan in order; no piece is longer than that, unless a single transfer is. */
export function piecesOfPlan(
  { transfers, levels }: Pick<Plan, "transfers" | "levels">,
  pieceBytes: number,
): TransferPiece[] {
  const levelOf = new Map(levels.flatMap((names, at) => names.map((name) => [name, at])));
  return groupsWithin(transfers, pieceBytes).map((group) => ({
    transfers: group,
    levels: group.map(({ name }) => levelOf.get(name) ?? 0),
  }));
}

/** Items in order, in groups whose JSON is not longer than that, unless a single item is. */
export function groupsWithin<T>(items: readonly T[], bytes: number): T[][] {
  const groups: T[][] = [];
  let left = 0;
  for (const item of items) {
    const own = jsonBytes(item);
    if (own > left || groups.length === 0) {
      groups.push([]);
      left = bytes;
    }
    groups.at(-1)!.push(item);
    left -= own;
  }
  return groups;
}

const ENCODER = new TextEncoder();

/** Length of a value as JSON. */
export function jsonBytes(value: unknown): number {
  return ENCODER.encode(JSON.stringify(value)).length;
}
