/** What a tenant has, and has had: shown by its actor and by the desk alike; pure. */

import { IDLE, type State } from "../controller/state.ts";
import type { Account } from "./account.ts";
import type { TenantUsage } from "./messages.ts";

/** What the state says of a tenant, with its account. */
export function usageOf(
  { load, tenants }: Pick<State, "load" | "tenants">,
  tenant: string,
  { ended, bytes, fetchedBytes, sinceMs }: Account,
): TenantUsage {
  const { submitted, waiting, leases } = load.tenants.get(tenant) ?? IDLE;
  const record = tenants.get(tenant);
  return {
    tenant,
    settings: record === undefined ? null : {
      weight: record.weight,
      maxConcurrentTransfers: record.maxConcurrentTransfers,
      maxQueued: record.maxQueued,
      priorityCeiling: record.priorityCeiling,
    },
    ...{ submitted, waiting, running: leases },
    ...{ ended: { ...ended }, bytes, fetchedBytes, sinceMs },
  };
}
