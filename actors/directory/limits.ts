/** The limits of how nodes learn where controllers are. */

import { type LimitTable, limitValues } from "../../runtime/base/limits.ts";

export const DIRECTORY_LIMITS = {
  announceMs: {
    unit: "ms",
    value: 2_000,
    why: "how often a controller says where it is; one that has just been added is known that soon",
  },
  askMs: {
    unit: "ms",
    value: 3_000,
    why: "how often a node asks who there is: one small message, and changes are rare",
  },
  answerMs: { unit: "ms", value: 1_000, why: "how long a controller may take to say it" },
} as const satisfies LimitTable;

/** The limits as plain numbers. */
export const directoryLimits = limitValues(DIRECTORY_LIMITS);
