/** What only the leader can do or say, passed on to it by a controller that does not lead. */

import type { Ref } from "../../runtime/actor/ref.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Replica } from "../controller/replica.ts";
import type { DESK_LIMITS } from "./limits.ts";
import type { Desk, Found, GroupChange, Principal, Query, Written } from "./messages.ts";

/** Queries that the leader answers best. */
export type LeaderQuery = Extract<Query, { type: "cluster" | "changeCheck" }>;

/** The way to the leader's desk. */
export interface LeaderWay {
  readonly replica: Pick<Replica, "leader" | "isLeader">;
  readonly limits: LimitValues<typeof DESK_LIMITS>;
  readonly desk: (controller: string) => Ref<typeof Desk>;
  /** This request was passed on to us: it goes no further. */
  readonly isPassedOn: boolean;
}

/** Has the leader change the group. Rejects where it does not answer. */
export async function passOnChange(
  { replica, limits, desk, isPassedOn }: LeaderWay,
  asked: { readonly key: string; readonly principal: Principal },
  request: GroupChange,
): Promise<Written> {
  const { leader } = replica;
  if (leader === null || isPassedOn) {
    const message = leader === null ? "nobody leads now" : "leadership has moved on";
    const { retryAfterMs } = limits;
    return { ok: false, code: "noQuorum", message: `${message}: try again`, retryAfterMs };
  }
  const body = { ...asked, request, isPassedOn: true };
  return await desk(leader).ask("write", body, { withinMs: limits.passOnMs });
}

/** Asks the leader; `null` where it cannot be asked, or does not answer. */
export async function askLeader(
  { replica, limits, desk, isPassedOn }: LeaderWay,
  principal: Principal,
  query: LeaderQuery,
): Promise<Found | null> {
  const { leader, isLeader } = replica;
  if (leader === null || isLeader || isPassedOn) return null;
  const body = { principal, query, consistency: "stale", isPassedOn: true } as const;
  try {
    const { found } = await desk(leader).ask("read", body, { withinMs: limits.askLeaderMs });
    return found;
  } catch {
    return null; // it has just gone, or is about to
  }
}
