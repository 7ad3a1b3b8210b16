/** The limits of what the leader notes of the cluster itself. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";

export const CLUSTER_LIMITS = {
  noteLookMs: {
    unit: "ms",
    value: 1_000,
    least: 100,
    why:
      "how often the leader looks for what has changed of the cluster: a glance at its own status",
  },
  memberDownMs: {
    unit: "ms",
    value: 3_000,
    least: 500,
    why: "a controller that was silent for so long is told to be down: several elections",
  },
  memberUpMs: {
    unit: "ms",
    value: 1_000,
    least: 100,
    why: "one that is down is up again once it was heard of within so long",
  },
  noteSettleMs: {
    unit: "ms",
    value: 10_000,
    why:
      "a new leader keeps what was noted of agents for so long: longer than it waits for their links",
  },
  archiveAskMs: {
    unit: "ms",
    value: 10_000,
    least: 1000,
    why: "how often the leader asks every controller for the state of its archive",
  },
  archiveAnswerMs: {
    unit: "ms",
    value: 2_000,
    least: 100,
    why: "how long one of them may take to answer",
  },
} as const satisfies LimitTable;
/** Their values. */
export type ClusterLimits = LimitValues<typeof CLUSTER_LIMITS>;
