/** The reducer of tenants: what was said of them, and which of their jobs may join the queue. */

import { lifecycle } from "../job/lifecycle.ts";
import { tenantActorName } from "../tenant/messages.ts";
import { type Applied, type Effect, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import { IDLE, type State, withJob } from "./state.ts";

type TenantCommand = Command & { type: "configureTenant" | "admitJobs" };

/** The state after a command about a tenant. */
export function applyTenant(state: State, command: TenantCommand): Applied {
  return command.type === "configureTenant" ? configure(state, command) : admit(state, command);
}

function configure(state: State, command: Command & { type: "configureTenant" }): Applied {
  const { tenant, settings } = command;
  if (tenantActorName(tenant) === null) {
    return refuse(state, `configure tenant ${tenant.slice(0, 80)}...: its name is too long`);
  }
  const { index: version, nowMs: changedMs } = state;
  const tenants = settings === null
    ? state.tenants.delete(tenant)
    : state.tenants.set(tenant, { ...settings, tenant, version, changedMs });
  return {
    state: { ...state, tenants },
    effects: [{ type: "tenantChanged", tenant }],
    refused: [],
  };
}

function admit(state: State, command: Command & { type: "admitJobs" }): Applied {
  const { tenant } = command;
  let at = state;
  const effects: Effect[] = [];
  const refused: string[] = [];
  for (const jobId of command.jobIds) {
    const before = at.jobs.get(jobId);
    if (before?.tenant !== tenant) {
      refused.push(`admit: tenant ${tenant} has no job ${jobId}`);
      continue;
    }
    if (!hasPlace(at, tenant)) {
      refused.push(`admit: the queue of tenant ${tenant} has no room for job ${jobId}`);
      continue;
    }
    const admitted = lifecycle(before, { type: "admit" }, at.nowMs);
    if ("refused" in admitted) {
      refused.push(admitted.refused);
      continue;
    }
    const job = { ...admitted, version: at.index };
    at = withJob(at, before, job);
    effects.push({ type: "jobChanged", job, before });
  }
  return { state: at, effects, refused };
}

/** Whether a new job of a tenant may join the queue: there is a place, and none was there before it. */
export function hasRoom(state: State, tenant: string): boolean {
  if (state.tenants.size === 0) return true;
  return hasPlace(state, tenant) && (state.load.tenants.get(tenant) ?? IDLE).submitted === 0;
}

function hasPlace(state: State, tenant: string): boolean {
  const most = state.tenants.get(tenant)?.maxQueued ?? null;
  return most === null || (state.load.tenants.get(tenant) ?? IDLE).waiting < most;
}

/** Whether a tenant may have one more lease. */
export function mayRunMore(state: State, tenant: string): boolean {
  if (state.tenants.size === 0) return true;
  const most = state.tenants.get(tenant)?.maxConcurrentTransfers ?? null;
  return most === null || (state.load.tenants.get(tenant) ?? IDLE).leases < most;
}
