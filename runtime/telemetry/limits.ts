/** The bounds of what a node counts: Prometheus keeps every series that it has ever seen. */

import type { LimitTable } from "../base/limits.ts";

/** Bounds on metrics and log records. */
export const TELEMETRY_LIMITS = {
  labelValues: {
    unit: "count",
    value: 100,
    why:
      "names of one label (tenants, error codes) that have series of their own; others share one",
  },
  series: {
    unit: "count",
    value: 2_000,
    why: "series of one metric on one node; what comes later is counted under other",
  },
  linkPeers: {
    unit: "count",
    value: 100,
    why: "peers whose links have series of their own, the first by name; all are in the totals",
  },
} as const satisfies LimitTable;
