/** The limits of the actors of tenants. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";

export const TENANT_LIMITS = {
  admitted: {
    unit: "count",
    value: 1_000,
    least: 1,
    why: "jobs of one tenant that one command admits",
  },
  admitAgainMs: {
    unit: "ms",
    value: 1_000,
    least: 50,
    why: "before an admission whose outcome is unknown is proposed again",
  },
  nameCharacters: {
    unit: "count",
    value: 384,
    why: "a tenant's name, escaped: with its controller's path an actor's name may have 512",
  },
  actors: {
    unit: "count",
    value: 10_000,
    least: 1,
    why: "tenants with an actor; beyond it those without jobs and settings lose theirs",
  },
} as const satisfies LimitTable;

const { admitted, admitAgainMs, actors } = TENANT_LIMITS;
/** Those that are settings: the length of a name decides what is taken at all. */
export const TENANT_SETTINGS = { admitted, admitAgainMs, actors } as const satisfies LimitTable;
/** Their values. */
export type TenantLimits = LimitValues<typeof TENANT_SETTINGS>;
