/** The limits of a controller's part in the group that are settings. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";
import { ACTOR_LIMITS } from "../limits.ts";

const {
  groupProposeMs,
  groupAnswerMs,
  groupPauseMs,
  groupMaxPauseMs,
  missedPauseMs,
  barrierMs,
  barrierPauseMs,
  stagedMs,
  stagedLookMs,
} = ACTOR_LIMITS;

export const CONTROLLER_LIMITS = {
  // Less than an agent waits for the answer to a report (reportMs).
  groupProposeMs: { ...groupProposeMs, least: 100, most: 14_000 },
  groupAnswerMs: { ...groupAnswerMs, least: 100 },
  groupPauseMs: { ...groupPauseMs, least: 1 },
  groupMaxPauseMs: { ...groupMaxPauseMs, least: 1 },
  missedPauseMs: { ...missedPauseMs, least: 10 },
  barrierMs: { ...barrierMs, least: 100 },
  barrierPauseMs: { ...barrierPauseMs, least: 10 },
  stagedMs: { ...stagedMs, least: 10_000 },
  stagedLookMs: { ...stagedLookMs, least: 1_000 },
} as const satisfies LimitTable;
/** Their values. */
export type ControllerLimits = LimitValues<typeof CONTROLLER_LIMITS>;
