/** Handing leadership over (dissertation, 3.10). */

import { type Configuration, mayLead, type Member, memberOf } from "./configuration.ts";
import type { MemberId } from "./entry.ts";
import type { RefusalCode } from "./outputs.ts";

/** A transfer that is under way. */
export interface Transfer {
  /** The driver's number; null: the leader's own wish. */
  readonly id: number | null;
  readonly to: MemberId;
  readonly deadlineMs: number;
  /** The successor was told to campaign; said again with each heartbeat. */
  told: boolean;
}

/** What a leader knows of a possible successor. */
export interface Candidate {
  readonly id: MemberId;
  readonly match: number;
  readonly answers: boolean;
}

/** Why leadership cannot go to `to`; null: it can. */
export function transferRefusal(
  configuration: Configuration,
  to: MemberId,
): { readonly code: RefusalCode; readonly reason: string } | null {
  const member = memberOf(configuration, to);
  if (member === undefined) return { code: "UnknownMember", reason: `${to} is not a member` };
  if (mayLead(member)) return null;
  const role = member.witness ? "witness" : member.role;
  return { code: "WrongRole", reason: `${to} is a ${role} and cannot lead` };
}

/** Who leads best after `self`: the highest priority that answers, then the longest log. */
export function bestSuccessor(
  configuration: Configuration,
  self: MemberId,
  candidates: Iterable<Candidate>,
): MemberId | null {
  let best: { readonly candidate: Candidate; readonly member: Member } | null = null;
  for (const candidate of candidates) {
    const member = configuration.members.find((one) => one.id === candidate.id);
    if (member === undefined || member.id === self) continue;
    if (!mayLead(member) || !candidate.answers) continue;
    if (best === null || isBetter({ candidate, member }, best)) best = { candidate, member };
  }
  return best?.member.id ?? null;
}

function isBetter(
  one: { readonly candidate: Candidate; readonly member: Member },
  other: { readonly candidate: Candidate; readonly member: Member },
): boolean {
  const byPriority = one.member.priority - other.member.priority;
  return byPriority > 0 || (byPriority === 0 && one.candidate.match > other.candidate.match);
}
