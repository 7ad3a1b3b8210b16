/** The limits of the archive: when runs go there, how segments are kept, searched and checked. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { DUE_LIMITS } from "./due.ts";

/** How the segments on the disk are read again, one after the other. */
export const VERIFY_LIMITS = {
  archiveVerifyMs: {
    unit: "ms",
    value: 7 * 86_400_000,
    least: 60000,
    why: "each segment of the archive is read again, and its hash compared, once in so long",
  },
  archiveVerifyPerSecond: {
    unit: "perSecond",
    value: 4 * 1_048_576,
    least: 65536,
    why: "bytes of segments that are read again: a hundredth of what a slow disk gives",
  },
  archiveVerifyPauseMs: {
    unit: "ms",
    value: 1_000,
    least: 100,
    why: "the least time between the checks of two segments, when many are to be checked",
  },
  archiveVerifyLookMs: {
    unit: "ms",
    value: 3_600_000,
    least: 1000,
    why: "the longest: there may be segments by then",
  },
} as const satisfies LimitTable;
/** Their values. */
export type VerifyLimits = LimitValues<typeof VERIFY_LIMITS>;

const {
  archiveEveryMs,
  archiveAgainMs,
  archivePieceBytes,
  archiveFetchMs,
  archiveRetryMs,
  archiveScan,
} = ACTOR_LIMITS;

/** How segments are looked for, passed on and searched. */
const KEEP_LIMITS = {
  archiveEveryMs,
  archiveAgainMs,
  archivePieceBytes,
  archiveFetchMs,
  archiveRetryMs,
  archiveScan,
} as const satisfies LimitTable;

/** All of them. */
export const ARCHIVE_LIMITS = {
  ...DUE_LIMITS,
  ...VERIFY_LIMITS,
  ...KEEP_LIMITS,
} as const satisfies LimitTable;
/** Their values. */
export type ArchiveLimits = LimitValues<typeof ARCHIVE_LIMITS>;
