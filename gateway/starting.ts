/** Starting runs: each document of a submission is one, and all of them start or none. */

import type { WriteRequest, Written } from "../actors/desk/messages.ts";
import type { Plan } from "../workflows/plan.ts";
import { doneAt } from "./answers.ts";
import type { Call } from "./api.ts";
import type { Gateway } from "./gateway.ts";
import { inPieces, type PlanPiece } from "./pieces.ts";
import { runIdOf } from "./submission.ts";

/** A run that was started. */
export interface StartedRun {
  readonly id: string;
  readonly name: string;
  readonly tenant: string;
  readonly transfers: number;
  readonly href: string;
}

/**
 * Starts a run for each plan, by one command. Ids come from the request's key: the same request, sent
 * again to any gateway, names the same runs.
 */
export async function start<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  plans: readonly Plan[],
): Promise<StartedRun[]> {
  const { principal, keyed: { key, fingerprint }, trace, requestId } = call;
  const planned = plans.map((plan, number) => ({
    runId: runIdOf(gateway.env.hash, plan, key, number),
    plan,
  }));
  const { pieces, runs } = inPieces(planned, gateway.limits);
  const stopped = await stage(gateway, call, pieces);
  const [first] = runs;
  const request: WriteRequest = runs.length === 1 && first?.pieces === 0
    ? { type: "submit", runId: first.runId, plan: first.plan }
    : { type: "submitAll", runs: [...runs] };
  const options = { fingerprint, requestId, ...(trace === undefined ? {} : { trace }) };
  const what = plans.length === 1 ? plans[0]!.name : `${plans.length} workflows`;
  const written = await gateway.door.write(principal, key, request, options);
  // Where parts were refused but their run is there, this is the same request again.
  doneAt(written.ok ? written : stopped ?? written, `submit ${what}`);
  return planned.map(({ runId, plan: { name, tenant, transfers } }) => ({
    id: runId,
    name,
    tenant,
    transfers: transfers.length,
    href: `/v1/runs/${runId}`,
  }));
}

/**
 * Brings the parts of large plans, one after the other, up to the first that is refused, which it returns.
 * Each may come twice, so whoever repeats the request begins anew; what is never gone on with is forgotten
 * by the controllers.
 */
async function stage<P, Q>(
  gateway: Gateway,
  { principal, trace }: Call<P, Q>,
  pieces: readonly PlanPiece[],
): Promise<Written | null> {
  for (const piece of pieces) {
    const request: WriteRequest = {
      ...piece,
      type: "stage",
      transfers: [...piece.transfers],
      levels: [...piece.levels],
    };
    const options = trace === undefined ? {} : { trace };
    const key = `stage.${gateway.newRequestId()}`;
    const written = await gateway.door.write(principal, key, request, options);
    if (!written.ok) return written;
  }
  return null;
}
