/** Rounds in which a learner shows that it keeps pace, before it may vote (dissertation, 4.2.1). */

import type { MemberId } from "./entry.ts";

/** A promotion that waits for its learner. */
export interface CatchUp {
  readonly member: MemberId;
  readonly round: number;
  /** The round ends when the learner has this. */
  readonly target: number;
  readonly startedMs: number;
}

/** Bounds of it. */
export interface CatchUpBounds {
  readonly electionMs: number;
  readonly catchUpRounds: number;
}

/** The first round: everything up to `lastIndex`. */
export function beginCatchUp(member: MemberId, lastIndex: number, nowMs: number): CatchUp {
  return { member, round: 1, target: lastIndex, startedMs: nowMs };
}

/** The next round; `ready` once one was short enough, `slow` when there were too many. */
export function proceed(
  catchUp: CatchUp,
  learner: { readonly match: number; readonly lastHeardMs: number },
  lastIndex: number,
  nowMs: number,
  bounds: CatchUpBounds,
): CatchUp | "ready" | "slow" {
  const patienceMs = bounds.electionMs * bounds.catchUpRounds;
  if (nowMs - learner.lastHeardMs > patienceMs) return "slow";
  if (learner.match < catchUp.target) return catchUp;
  if (nowMs - catchUp.startedMs <= bounds.electionMs) return "ready";
  if (catchUp.round >= bounds.catchUpRounds) return "slow";
  return { ...catchUp, round: catchUp.round + 1, target: lastIndex, startedMs: nowMs };
}
