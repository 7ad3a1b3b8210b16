/** Plans that are too large for one message, in parts: pure. */

import type { Plan, PlannedTransfer } from "../workflows/plan.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** A run that is to be started. */
export interface PlannedRun {
  readonly runId: string;
  readonly plan: Plan;
}

/** A part of a plan, in the order of its transfers. */
export interface PlanPiece {
  readonly runId: string;
  readonly tenant: string;
  readonly number: number;
  readonly transfers: readonly PlannedTransfer[];
  /** The level of each of them. */
  readonly levels: readonly number[];
}

/** Runs as they are started: each with its plan, or without the transfers that came before in pieces. */
export interface InPieces {
  readonly pieces: readonly PlanPiece[];
  readonly runs: readonly (PlannedRun & { readonly pieces: number })[];
}

/** What {@link inPieces} looks at. */
export type PieceLimits = Pick<GatewayLimits, "submissionBytes" | "pieceBytes" | "headBytes">;

/** Runs whole where they are small together, else in pieces; Problem `planTooLarge` names limit and size. */
export function inPieces(runs: readonly PlannedRun[], limits: PieceLimits): InPieces {
  const whole = runs.map((run) => ({ ...run, pieces: 0 }));
  if (maySuit(runs, limits.pieceBytes) && bytesOf(whole) <= limits.pieceBytes) {
    return { pieces: [], runs: whole };
  }
  let left = limits.submissionBytes;
  const pieces: PlanPiece[] = [];
  const heads = runs.map((run) => {
    const own = piecesOf(run, limits, (bytes) => {
      left -= bytes;
      if (left < 0) throw tooLarge("the plans of this submission", null, "submissionBytes", limits);
    });
    pieces.push(...own);
    return { ...run, plan: { ...run.plan, transfers: [], levels: [] }, pieces: own.length };
  });
  const headBytes = bytesOf(heads);
  if (headBytes <= limits.headBytes) return { pieces, runs: heads };
  throw tooLarge("what they have beside their transfers", headBytes, "headBytes", limits);
}

/** No transfer is shorter: tens of thousands are not written out only to be measured. */
const LEAST_TRANSFER_BYTES = 128;

function maySuit(runs: readonly PlannedRun[], bytes: number): boolean {
  const transfers = runs.reduce((count, { plan }) => count + plan.transfers.length, 0);
  return transfers * LEAST_TRANSFER_BYTES <= bytes;
}

function piecesOf(
  { runId, plan }: PlannedRun,
  limits: PieceLimits,
  count: (bytes: number) => void,
): PlanPiece[] {
  const levelOf = new Map(plan.levels.flatMap((names, at) => names.map((name) => [name, at])));
  const pieces: PlanPiece[] = [];
  let transfers: PlannedTransfer[] = [];
  let levels: number[] = [];
  let left = limits.pieceBytes;
  const end = () => {
    if (transfers.length === 0) return;
    pieces.push({ runId, tenant: plan.tenant, number: pieces.length, transfers, levels });
    [transfers, levels, left] = [[], [], limits.pieceBytes];
  };
  for (const transfer of plan.transfers) {
    const bytes = bytesOf(transfer);
    count(bytes);
    if (bytes > limits.headBytes) {
      throw tooLarge(`the transfer "${transfer.name}"`, bytes, "headBytes", limits);
    }
    if (bytes > left) end();
    transfers.push(transfer);
    levels.push(levelOf.get(transfer.name) ?? 0);
    left -= bytes;
  }
  end();
  return pieces;
}

const ENCODER = new TextEncoder();

function bytesOf(value: unknown): number {
  return ENCODER.encode(JSON.stringify(value)).length;
}

function tooLarge(
  what: string,
  bytes: number | null,
  limit: keyof PieceLimits,
  limits: PieceLimits,
): Problem {
  const size = bytes === null ? "more" : `${bytes} bytes`;
  return new Problem(
    "planTooLarge",
    `cannot submit: ${what} take ${size}, at most ${limits[limit]} bytes are taken (${limit}); ` +
      "nothing was started: split the workflow",
  );
}
