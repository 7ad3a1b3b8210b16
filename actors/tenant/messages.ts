/** The message protocol of a tenant's actor. */

import { z } from "zod";
import { ask, protocol, tell } from "../../runtime/actor/protocol.ts";
import { tenantSettings } from "../controller/commands.ts";
import type { Job } from "../job/record.ts";
import { TENANT_LIMITS } from "./limits.ts";

export { tenantSettings };

const change = z.custom<JobChange>((value) => typeof value === "object" && value !== null);

/** A job of the tenant that is now in another state than before. */
export interface JobChange {
  readonly job: Job;
  readonly before: Job | null;
}

/** What a tenant has, and has had. */
export const tenantUsage = z.object({
  tenant: z.string(),
  /** Null: nothing was said of it; weight 1, no bounds. */
  settings: tenantSettings.nullable(),
  /** Jobs that wait for admission, and for an agent. */
  submitted: z.number().int(),
  waiting: z.number().int(),
  /** Slots it holds: its leases. */
  running: z.number().int(),
  /** Jobs that have ended since `sinceMs`, by state, and what their receipts say. */
  ended: z.record(z.string(), z.number().int()),
  /** Bytes of published files. */
  bytes: z.number(),
  /** Bytes that were fetched from sources for them. */
  fetchedBytes: z.number(),
  /** The oldest job that is counted: older ones are in the archive; null: none. */
  sinceMs: z.number().nullable(),
});

/** One tenant; it is reached at its controller as `tenant-` and {@link tenantActorName}. */
export const Tenant = protocol("quorus.tenant", {
  version: 1,
  messages: {
    /** Jobs of this tenant have been committed in other states. */
    changed: tell(z.object({ changes: z.array(change) })),
    /** What was said of the tenant has changed. */
    configured: tell(z.object({})),
    /** Something did not find room here: the account is opened anew from the state. */
    anew: tell(z.object({})),
    usage: ask(z.object({}), tenantUsage),
  },
});

export type TenantUsage = z.infer<typeof tenantUsage>;

/**
 * The name of a tenant's actor: whatever stands in the tenant's name, an address can hold it. Null: it is
 * too long; such a tenant has no actor and cannot be configured, and its jobs are admitted at once.
 */
export function tenantActorName(tenant: string): string | null {
  const most = TENANT_LIMITS.nameCharacters.value;
  if (tenant.length > most) return null;
  const escaped = encodeURIComponent(tenant)
    .replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`);
  return escaped.length > most ? null : `tenant-${escaped.replaceAll("%", "=")}`;
}
