/** Changes of role, term and leader. */

import { campaignDelayMs } from "./priority.ts";
import { type Raft, refuse } from "./state.ts";
import type { MemberId } from "./entry.ts";
import type { Role } from "./outputs.ts";

/** Draws a new election timeout, from now. */
export function resetElectionTimer(raft: Raft): void {
  const { electionMs } = raft.options;
  const delayMs = raft.self === null
    ? 0
    : campaignDelayMs(raft.configuration, raft.self, electionMs);
  raft.electionDeadlineMs = raft.nowMs + electionMs + raft.random * electionMs + delayMs;
}

/** Takes on `role`. */
export function setRole(raft: Raft, role: Role): void {
  if (raft.role === role) return;
  raft.role = role;
  raft.out.events.push({ type: "role", role, term: raft.term });
}

/** Learns who leads; reads that were passed on to another are answered with null. */
export function setLeader(raft: Raft, leader: MemberId | null): void {
  if (raft.leader === leader) return;
  raft.leader = leader;
  for (const context of raft.forwarded.keys()) raft.out.reads.push({ context, index: null });
  raft.forwarded.clear();
  raft.out.events.push({ type: "leader", leader, term: raft.term });
}

/** Moves on to a higher term, in which nobody has this member's vote yet. */
export function setTerm(raft: Raft, term: number): void {
  raft.term = term;
  raft.vote = null;
  raft.out.events.push({ type: "term", term });
}

/** Follows `leader` (null: nobody yet) in `term`; `because` of what this member said. */
export function becomeFollower(
  raft: Raft,
  term: number,
  leader: MemberId | null,
  because: MemberId | null,
): void {
  if (raft.role === "leader") loseLeadership(raft, because);
  if (term > raft.term) setTerm(raft, term);
  if (raft.role !== "follower") {
    setRole(raft, "follower");
    resetElectionTimer(raft);
  }
  raft.votes.clear();
  setLeader(raft, leader);
}

/** A message of the leader came: no other shall be elected for a while. */
export function heardLeader(raft: Raft, leader: MemberId): void {
  becomeFollower(raft, raft.term, leader, leader);
  raft.heardLeaderMs = raft.nowMs;
  resetElectionTimer(raft);
}

/** Whether this member may not help to elect another leader. */
export function isLoyal(raft: Raft): boolean {
  return raft.role === "leader" || raft.nowMs - raft.heardLeaderMs < raft.options.electionMs;
}

function loseLeadership(raft: Raft, because: MemberId | null): void {
  const { leading, out } = raft;
  if (leading === null) return;
  raft.leading = null;
  for (const { context, from } of leading.reads.abandon()) {
    if (from === null) out.reads.push({ context, index: null });
  }
  leading.waiters.abandon(out.answers);
  loseChange(raft);
  loseTransfer(raft, because);
  if (raft.degraded) {
    raft.degraded = false;
    out.events.push({ type: "degraded", degraded: false, reason: "this member leads no more" });
  }
}

function loseChange(raft: Raft): void {
  const { change } = raft;
  raft.change = null;
  if (change === null) return;
  if (change.catchUp === null) raft.out.answers.push({ id: change.id, outcome: "unknown" });
  else refuse(raft, change.id, "NotLeader", "leadership was lost before the member had caught up");
}

function loseTransfer(raft: Raft, because: MemberId | null): void {
  const { transfer } = raft;
  // A flag that outlived its term would wedge this member when it leads again.
  raft.transfer = null;
  if (transfer === null || transfer.id === null) return;
  const outcome = transfer.to === because ? "done" : "unknown";
  raft.out.answers.push({ id: transfer.id, outcome });
}
