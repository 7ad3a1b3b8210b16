/** Who leads by preference. */

import { type Configuration, mayLead, type Member } from "./configuration.ts";
import type { MemberId } from "./entry.ts";

/** How long `member` waits beyond its election timeout, so that those of higher priority come first. */
export function campaignDelayMs(
  configuration: Configuration,
  member: Member,
  electionMs: number,
): number {
  let highest = member.priority;
  for (const other of configuration.members) {
    if (mayLead(other)) highest = Math.max(highest, other.priority);
  }
  return (highest - member.priority) * electionMs;
}

/** The member that should lead instead of `self`: of higher priority, and up with the log for long. */
export function preferredLeader(
  configuration: Configuration,
  self: Member,
  hasKeptUp: (id: MemberId) => boolean,
): MemberId | null {
  let best: Member | null = null;
  for (const other of configuration.members) {
    if (!mayLead(other) || other.priority <= (best ?? self).priority) continue;
    if (hasKeptUp(other.id)) best = other;
  }
  return best?.id ?? null;
}
