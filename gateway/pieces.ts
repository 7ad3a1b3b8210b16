/** Plans that are too large for one message, in parts: pure. */

import type { Plan } from "../workflows/plan.ts";
import { jsonBytes, piecesOfPlan, type TransferPiece } from "../workflows/plan_pieces.ts";
import type { GatewayLimits } from "./limits.ts";
import { Problem } from "./problem.ts";

/** A run that is to be started. */
export interface PlannedRun {
  readonly runId: string;
  readonly plan: Plan;
}

/** A part of a plan, in the order of its transfers. */
export interface PlanPiece extends TransferPiece {
  readonly runId: string;
  readonly tenant: string;
  readonly number: number;
}

/** Runs as they are started: each with its plan, or without the transfers that came before in pieces. */
export interface InPieces {
  readonly pieces: readonly PlanPiece[];
  readonly runs: readonly (PlannedRun & { readonly pieces: number })[];
}

/** What {@link inPieces} looks at. */
export type PieceLimits = Pick<GatewayLimits, "submissionBytes" | "pieceBytes" | "headBytes">;

/** No transfer is shorter: tens of thousands are not written out only to be measured. */
const LEAST_TRANSFER_BYTES = 128;

/** Runs whole where they are small together, else in pieces; Problem `planTooLarge` names limit and size. */
export function inPieces(runs: readonly PlannedRun[], limits: PieceLimits): InPieces {
  const whole = runs.map((run) => ({ ...run, pieces: 0 }));
  const transfers = runs.reduce((count, { plan }) => count + plan.transfers.length, 0);
  const maySuit = transfers * LEAST_TRANSFER_BYTES <= limits.pieceBytes;
  if (maySuit && jsonBytes(whole) <= limits.pieceBytes) return { pieces: [], runs: whole };
  const pieces = runs.flatMap(({ runId, plan }) =>
    piecesOfPlan(plan, limits.pieceBytes)
      .map((piece, number) => ({ ...piece, runId, tenant: plan.tenant, number }))
  );
  refuseTooLarge(pieces, limits);
  const heads = runs.map((run) => ({
    ...run,
    plan: { ...run.plan, transfers: [], levels: [] },
    pieces: pieces.filter(({ runId }) => runId === run.runId).length,
  }));
  const headBytes = jsonBytes(heads);
  if (headBytes <= limits.headBytes) return { pieces, runs: heads };
  throw tooLarge("what they have beside their transfers takes", headBytes, "headBytes", limits);
}

function refuseTooLarge(pieces: readonly PlanPiece[], limits: PieceLimits): void {
  let all = 0;
  for (const { transfers } of pieces) {
    const bytes = jsonBytes(transfers);
    all += bytes;
    if (bytes <= limits.headBytes) continue;
    throw tooLarge(`the transfer "${transfers[0]?.name}" takes`, bytes, "headBytes", limits);
  }
  if (all <= limits.submissionBytes) return;
  throw tooLarge("the plans of this submission take", all, "submissionBytes", limits);
}

function tooLarge(
  what: string,
  bytes: number,
  limit: keyof PieceLimits,
  limits: PieceLimits,
): Problem {
  return new Problem(
    "planTooLarge",
    `cannot submit: ${what} ${bytes} bytes, at most ${limits[limit]} bytes are taken (${limit}); ` +
      "nothing was started: split the workflow",
  );
}
