/** The numbers of the scheduling policy. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";

export const SCHEDULER_LIMITS = {
  ageMs: {
    unit: "ms",
    value: 60_000,
    least: 1000,
    why: "a waiting job rises by one class each so long: from low to critical in three minutes",
  },
  overdueMs: {
    unit: "ms",
    value: 30_000,
    least: 1000,
    why: "each so often the longest waiting job of a tenant goes first, whoever has used less",
  },
  halfLifeMs: {
    unit: "ms",
    value: 600_000,
    least: 1000,
    why: "bytes that a tenant has moved count half after this time",
  },
  hostCapSettleMs: {
    unit: "ms",
    value: 10_000,
    least: 0,
    why: "a host that has failed is given half as many transfers once in so long",
  },
  hostCapForgetMs: {
    unit: "ms",
    value: 600_000,
    least: 1_000,
    why: "a host that has not failed for so long is given what it was given before",
  },
  hostTransfers: {
    unit: "count",
    value: 64,
    least: 1,
    why: "transfers at a time from one source host, and to one destination host, in a cluster",
  },
  assignments: {
    unit: "count",
    value: 1_000,
    least: 1,
    why: "of one proposal: some 60 KB of the log; the next one follows when it is committed",
  },
  overdueLooks: {
    unit: "count",
    value: 8,
    least: 1,
    why: "overdue jobs of one tenant that are tried before its others go by class and share",
  },
  fleetSettleMs: {
    unit: "ms",
    value: 50,
    why: "changes of the fleet are looked at together; heartbeats come a thousand a second",
  },
  refusedPauseMs: {
    unit: "ms",
    value: 250,
    why: "before what the state has refused is proposed again, unless something changes",
  },
  namedAgents: {
    unit: "count",
    value: 5,
    least: 1,
    why: "agents that one reason names before it counts the others",
  },
} as const satisfies LimitTable;

export type SchedulerLimits = LimitValues<typeof SCHEDULER_LIMITS>;
