/**
 * Who of the agents has to be given up, as a pure function of what is known of each.
 *
 * The link decides: it notices a silent peer in under 5 s, and `loseMs` later its jobs go elsewhere. An
 * agent whose link stands is lost only if no heartbeat came for `heartbeatTimeoutMs`. When more than a
 * third would be lost at once, the fault is rather ours: nothing is given up for `massLossMs`.
 */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { FLEET_LIMITS } from "./limits.ts";

export type FleetLimits = LimitValues<typeof FLEET_LIMITS>;

/** What is known of one registered agent that counts as able to work. */
export interface Known {
  readonly agent: string;
  /** Since when it has had no link, in ms of this node's monotonic clock; `null` while it has one. */
  readonly downSinceMs: number | null;
  /** When it was heard of last; `null` if never by this node. */
  readonly heardMs: number | null;
}

/** What is to be done about the fleet now. */
export interface Verdict {
  /** To be given up, with the reason. */
  readonly lost: readonly { readonly agent: string; readonly why: string }[];
  /** Doubted: they get no new jobs. */
  readonly suspects: readonly string[];
  /** Why nobody is given up although some are silent; `null` if nothing is held back. */
  readonly heldBack: string | null;
}

/** Looks at all agents at `nowMs`; `leadsSinceMs`: when this node began to lead. */
export function judgeFleet(
  known: readonly Known[],
  nowMs: number,
  leadsSinceMs: number,
  limits: FleetLimits,
): Verdict {
  const suspects = known.filter(({ downSinceMs }) => downSinceMs !== null);
  const lost: { agent: string; why: string; sinceMs: number }[] = [];
  for (const one of known) {
    const reason = lossOf(one, nowMs, leadsSinceMs, limits);
    if (reason !== null) lost.push({ agent: one.agent, ...reason });
  }
  const names = suspects.map(({ agent }) => agent);
  const silent = suspects.length;
  const oldestMs = Math.min(...lost.map(({ sinceMs }) => sinceMs));
  if (lost.length > 0 && silent * 3 > known.length && silent > 1) {
    const endMs = oldestMs + limits.massLossMs;
    if (nowMs < endMs) {
      const heldBack = `${silent} of ${known.length} agents do not answer: more than a third, ` +
        `so nothing is reassigned for ${limits.massLossMs} ms`;
      return { lost: [], suspects: names, heldBack };
    }
  }
  return { lost: lost.map(({ agent, why }) => ({ agent, why })), suspects: names, heldBack: null };
}

function lossOf(
  { downSinceMs, heardMs }: Known,
  nowMs: number,
  leadsSinceMs: number,
  { loseMs, leaderGraceMs, heartbeatTimeoutMs }: FleetLimits,
): { why: string; sinceMs: number } | null {
  if (downSinceMs !== null) {
    const endMs = Math.max(downSinceMs + loseMs, leadsSinceMs + leaderGraceMs);
    if (nowMs < endMs) return null;
    return { why: `no link for ${Math.round(nowMs - downSinceMs)} ms`, sinceMs: downSinceMs };
  }
  // Who was never heard of here counts from the moment when this node could have heard of it.
  const sinceMs = Math.max(heardMs ?? leadsSinceMs, leadsSinceMs);
  if (nowMs - sinceMs < heartbeatTimeoutMs) return null;
  return { why: `no heartbeat for ${Math.round(nowMs - sinceMs)} ms`, sinceMs };
}
