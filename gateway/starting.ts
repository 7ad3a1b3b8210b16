/** Starting runs: each document of a submission is one, under a key of its own. */

import type { Plan } from "../workflows/plan.ts";
import { doneAt } from "./answers.ts";
import type { Call } from "./api.ts";
import type { Gateway } from "./gateway.ts";
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
 * Starts a run for each plan, in order. Ids come from the request's key: the same request, sent again to
 * any gateway, names the same runs.
 */
export async function start<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  plans: readonly Plan[],
): Promise<StartedRun[]> {
  const { principal, keyed: { key, fingerprint }, trace, requestId } = call;
  const started: StartedRun[] = [];
  for (const [number, plan] of plans.entries()) {
    const runId = runIdOf(gateway.env.hash, plan, key, number);
    const own = number === 0 ? key : `${key}.${number}`;
    const options = { fingerprint, requestId, ...(trace === undefined ? {} : { trace }) };
    const request = { type: "submit", runId, plan } as const;
    doneAt(await gateway.door.write(principal, own, request, options), `submit ${plan.name}`);
    const { name, tenant, transfers } = plan;
    started.push({
      id: runId,
      name,
      tenant,
      transfers: transfers.length,
      href: `/v1/runs/${runId}`,
    });
  }
  return started;
}
