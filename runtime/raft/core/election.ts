/** Elections: pre-vote, vote, and what keeps them from disturbing a leader (dissertation, 9.6). */

import { mayLead, type Member, memberOf } from "./configuration.ts";
import { becomeLeader } from "./leader.ts";
import type { MemberId } from "./entry.ts";
import type { PreVote, PreVoteReply, TimeoutNow, Vote, VoteReply } from "./messages.ts";
import { voteOutcome, voterIds } from "./quorum.ts";
import {
  becomeFollower,
  isLoyal,
  resetElectionTimer,
  setLeader,
  setRole,
  setTerm,
} from "./roles.ts";
import { type Raft, send, sendDurable } from "./state.ts";

/** Time has passed: without a leader, whoever may campaigns. */
export function tickElection(raft: Raft): void {
  if (raft.nowMs < raft.electionDeadlineMs) return;
  const member = electable(raft);
  if (member !== null && member.priority > 0) return askBefore(raft);
  setLeader(raft, null);
  resetElectionTimer(raft);
}

/**
 * What this member is, if it may lead. One that the configuration in force leaves out still may until
 * that is committed: perhaps nobody else has that entry (dissertation, 4.2.2).
 */
function electable(raft: Raft): Member | null {
  const { configuration, configurationIndex, commit, log, id } = raft;
  const member = memberOf(configuration, id) ??
    (configurationIndex > commit
      ? memberOf(log.configurationAt(configurationIndex - 1).configuration, id)
      : undefined);
  return member !== undefined && mayLead(member) ? member : null;
}

/** Pre-vote: asks whether a campaign could be won before a term is spent on it. */
function askBefore(raft: Raft): void {
  setLeader(raft, null);
  setRole(raft, "preCandidate");
  resetElectionTimer(raft);
  raft.out.events.push({ type: "campaign", term: raft.term + 1, pre: true });
  raft.votes = new Map([[raft.id, true]]);
  for (const to of others(raft)) {
    const { lastIndex, lastTerm } = raft.log;
    const term = raft.term + 1;
    send(raft, { type: "preVote", from: raft.id, to, term, lastIndex, lastTerm });
  }
  count(raft);
}

/** A campaign in a new term; the own vote counts once it is durable, like any other. */
function campaign(raft: Raft, transfer: boolean): void {
  setTerm(raft, raft.term + 1);
  raft.vote = raft.id;
  setLeader(raft, null);
  setRole(raft, "candidate");
  resetElectionTimer(raft);
  raft.out.events.push({ type: "campaign", term: raft.term, pre: false });
  raft.votes = new Map();
  for (const to of others(raft)) {
    const { term, log: { lastIndex, lastTerm } } = raft;
    const vote: Vote = { type: "vote", from: raft.id, to, term, lastIndex, lastTerm, transfer };
    sendDurable(raft, vote, "vote");
  }
}

function others(raft: Raft): readonly MemberId[] {
  return voterIds(raft.voters).filter((id) => id !== raft.id);
}

/** Something became durable: perhaps the own vote. */
export function onVoteDurable(raft: Raft): void {
  if (raft.role !== "candidate" || !raft.persistence.voteIsDurable) return;
  raft.votes.set(raft.id, true);
  count(raft);
}

function count(raft: Raft): void {
  const outcome = voteOutcome(raft.voters, raft.votes);
  if (outcome === "lost") becomeFollower(raft, raft.term, null, null);
  if (outcome !== "won") return;
  if (raft.role === "preCandidate") campaign(raft, false);
  else becomeLeader(raft);
}

/** Would this member vote for the sender? Nothing changes. */
export function onPreVote(raft: Raft, request: PreVote): void {
  const isNew = request.term > raft.term || (request.term === raft.term && isFree(raft, request));
  const granted = isNew && !isLoyal(raft) && isUpToDate(raft, request);
  const term = granted ? request.term : raft.term;
  const reply: PreVoteReply = {
    type: "preVoteReply",
    from: raft.id,
    to: request.from,
    term,
    granted,
  };
  sendDurable(raft, reply, "vote");
}

/**
 * A vote is asked for. Members and strangers are answered alike: this member's configuration may be the
 * older one, it may have been made a voter without knowing.
 */
export function onVote(raft: Raft, request: Vote): void {
  if (request.term < raft.term) return replyToVote(raft, request, false);
  // Who hears a leader elects no other, whatever the term: removed members would disturb for ever.
  if (isLoyal(raft) && !request.transfer) return;
  if (request.term > raft.term) becomeFollower(raft, request.term, null, request.from);
  const granted = isFree(raft, request) && isUpToDate(raft, request);
  if (granted) {
    raft.vote = request.from;
    resetElectionTimer(raft);
  }
  replyToVote(raft, request, granted);
}

function isFree(raft: Raft, request: PreVote | Vote): boolean {
  return raft.vote === request.from || (raft.vote === null && raft.leader === null);
}

function isUpToDate(raft: Raft, request: PreVote | Vote): boolean {
  return raft.log.isCoveredBy(request.lastIndex, request.lastTerm);
}

function replyToVote(raft: Raft, request: Vote, granted: boolean): void {
  const { id: from, term } = raft;
  const reply: VoteReply = { type: "voteReply", from, to: request.from, term, granted };
  sendDurable(raft, reply, "vote");
}

/** An answer to {@link PreVote}; a granted one carries the term that was asked for. */
export function onPreVoteReply(raft: Raft, reply: PreVoteReply): void {
  const term = reply.granted ? raft.term + 1 : raft.term;
  if (raft.role !== "preCandidate" || reply.term !== term) return;
  raft.votes.set(reply.from, reply.granted);
  count(raft);
}

/** An answer to {@link Vote} of this term. */
export function onVoteReply(raft: Raft, reply: VoteReply): void {
  if (raft.role !== "candidate") return;
  raft.votes.set(reply.from, reply.granted);
  count(raft);
}

/** The leader hands over to this member. */
export function onTimeoutNow(raft: Raft, message: TimeoutNow): void {
  if (raft.leader !== message.from || raft.role !== "follower") return;
  if (electable(raft) !== null) campaign(raft, true);
}
