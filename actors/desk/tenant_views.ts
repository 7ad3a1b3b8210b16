/** What is shown of tenants: their settings, and what their jobs in the state come to. */

import type { State } from "../controller/state.ts";
import { Account } from "../tenant/account.ts";
import type { TenantUsage } from "../tenant/messages.ts";
import { usageOf } from "../tenant/usage.ts";

/** The names of all tenants that were configured, or have runs in the state; each once. */
export function tenantNames({ tenants, runs }: State): string[] {
  return [...new Set([...tenants.keys(), ...[...runs.values()].map(({ tenant }) => tenant)])];
}

/** What these have, and have had since their oldest job in the state. */
export function viewTenants(state: State, names: readonly string[]): TenantUsage[] {
  const accounts = new Map(names.map((name) => [name, new Account()]));
  for (const job of state.jobs.values()) accounts.get(job.tenant)?.count(job);
  return names.map((tenant) => usageOf(state, tenant, accounts.get(tenant)!));
}
