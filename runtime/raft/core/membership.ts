/** A leader changes the members, one change at a time (dissertation, chapter 4). */

import { appendEntry } from "./append.ts";
import { beginCatchUp, proceed } from "./catch_up.ts";
import {
  changed,
  type Configuration,
  encodeConfiguration,
  left,
  type Member,
  type MembershipChange,
} from "./configuration.ts";
import type { MemberId } from "./entry.ts";
import { resign } from "./handover.ts";
import type { RefusalCode } from "./outputs.ts";
import { couldCommitNow, syncPeers } from "./peers.ts";
import { votersOf } from "./quorum.ts";
import { replicateTo } from "./replicate.ts";
import { followConfiguration, type Leading, type Raft, refuse } from "./state.ts";

interface Refusal {
  readonly code: RefusalCode;
  readonly reason: string;
}

/** A wish to change the members. */
export function onChange(raft: Raft, id: number, change: MembershipChange): void {
  const { leading } = raft;
  if (leading === null) return refuse(raft, id, "NotLeader", "only a leader changes the members");
  const refusal = untimely(raft, leading) ?? unfitting(raft.configuration.members, change);
  if (refusal !== null) return refuse(raft, id, refusal.code, refusal.reason);
  const learner = learnerOf(change);
  if (learner !== null) {
    const catchUp = beginCatchUp(learner, raft.log.lastIndex, raft.nowMs);
    raft.change = { id, change, catchUp };
    return;
  }
  carryOut(raft, leading, id, change);
}

/** Why no change may begin now. */
function untimely(raft: Raft, leading: Leading): Refusal | null {
  if (raft.transfer !== null) return { code: "Transferring", reason: "leadership is handed over" };
  // Without it, two changes by two leaders could each be decided by a majority of its own.
  if (raft.commit < leading.termStart) {
    return { code: "NoCommitInTerm", reason: "no entry of this term is committed yet" };
  }
  const pending = raft.change !== null || raft.configurationIndex > raft.commit ||
    raft.configuration.outgoing !== null;
  return pending ? { code: "ChangePending", reason: "another change is under way" } : null;
}

/** Why `change` cannot be made to `members`. */
function unfitting(members: readonly Member[], change: MembershipChange): Refusal | null {
  const find = (id: MemberId) => members.find((member) => member.id === id);
  switch (change.do) {
    case "addLearner":
      return find(change.member.id) === undefined
        ? null
        : { code: "WrongRole", reason: `${change.member.id} is a member already` };
    case "promote":
      return needs(find(change.id), change.id, "learner");
    case "replace":
      return needs(find(change.id), change.id, "voter") ??
        needs(find(change.by), change.by, "learner");
    case "remove":
    case "setPriority":
      return needs(find(change.id), change.id, null);
  }
}

function needs(member: Member | undefined, id: MemberId, role: Member["role"] | null) {
  if (member === undefined) {
    return { code: "UnknownMember", reason: `${id} is not a member` } as const;
  }
  if (role === null || member.role === role) return null;
  return { code: "WrongRole", reason: `${id} is a ${member.role}, not a ${role}` } as const;
}

function learnerOf(change: MembershipChange): MemberId | null {
  if (change.do === "promote") return change.id;
  return change.do === "replace" ? change.by : null;
}

function carryOut(raft: Raft, leading: Leading, id: number, change: MembershipChange): void {
  const next = changed(raft.configuration, change);
  const keepsVoters = change.do === "addLearner" || change.do === "setPriority";
  if (!keepsVoters && !canDecide(raft, leading, next)) {
    raft.change = null;
    const reason = "too few of the members that would remain answer now";
    return refuse(raft, id, "WouldLoseQuorum", reason);
  }
  raft.change = { id, change, catchUp: null };
  appendConfiguration(raft, leading, next);
}

function canDecide(raft: Raft, leading: Leading, next: Configuration): boolean {
  return couldCommitNow(raft, leading, votersOf(next)) &&
    couldCommitNow(raft, leading, votersOf(left(next)));
}

/** In force at once, committed later. */
function appendConfiguration(raft: Raft, leading: Leading, next: Configuration): void {
  appendEntry(raft, leading, "config", encodeConfiguration(next));
  // Whoever is left out is told once, so that it stops to campaign; nothing depends on it.
  for (const peer of leading.peers.values()) replicateTo(raft, leading, peer, false);
  followConfiguration(raft);
  syncPeers(raft, leading);
}

/** A learner that catches up: the next round, the promotion, or the end of patience. */
export function proceedCatchUp(raft: Raft, leading: Leading): void {
  const { change } = raft;
  if (change === null || change.catchUp === null) return;
  const learner = leading.peers.get(change.catchUp.member);
  if (learner === undefined) return;
  const { log, nowMs, options } = raft;
  const next = proceed(change.catchUp, learner, log.lastIndex, nowMs, options);
  if (next === "ready") return carryOut(raft, leading, change.id, change.change);
  if (next === "slow") {
    raft.change = null;
    const reason = `${learner.id} does not keep pace with the log`;
    return refuse(raft, change.id, "CatchUpTooSlow", reason);
  }
  if (next !== change.catchUp) raft.change = { ...change, catchUp: next };
}

/** The configuration in force may be committed now: leave it if it is joint, and leave if it is not ours. */
export function onConfigurationCommitted(raft: Raft, leading: Leading): void {
  if (raft.commit < leading.termStart || raft.configurationIndex > raft.commit) return;
  // Whoever began it, whoever leads now ends it: a crash may have come between.
  if (raft.configuration.outgoing !== null) {
    return appendConfiguration(raft, leading, left(raft.configuration));
  }
  const { change } = raft;
  if (change !== null && change.catchUp === null) {
    raft.change = null;
    raft.out.answers.push({ id: change.id, outcome: "done" });
  }
  const self = raft.configuration.members.find((member) => member.id === raft.id);
  if (self?.role !== "voter") resign(raft, leading);
}
