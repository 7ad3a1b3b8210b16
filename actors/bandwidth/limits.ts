/** The bounds of bandwidth rules. */

import { type LimitTable, type LimitValues, limitValues } from "../../runtime/base/limits.ts";

/** See the file's comment. */
export const BANDWIDTH_LIMITS = {
  rules: {
    unit: "count",
    value: 1_000,
    why: "rules in the replicated state; each is looked at every second",
  },
  divideMs: {
    unit: "ms",
    value: 1_000,
    why: "until a change of a rule, and of the transfers that it is about, is felt",
  },
  takerMs: {
    unit: "ms",
    value: 10_000,
    why:
      "an agent whose last transfer of a rule ended keeps a share so long: the next one may be close",
  },
  repeatMs: {
    unit: "ms",
    value: 60_000,
    why: "until an agent that was not reached is told again what it may use",
  },
} as const satisfies LimitTable;

/** Their values. */
export type BandwidthLimits = LimitValues<typeof BANDWIDTH_LIMITS>;

/** The defaults as plain numbers. */
export const bandwidthLimits: BandwidthLimits = limitValues(BANDWIDTH_LIMITS);
