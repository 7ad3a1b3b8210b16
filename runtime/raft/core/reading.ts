/** Linearizable reads: at the leader, and passed on to it. */

import type { MemberId } from "./entry.ts";
import type { ReadIndex, ReadIndexReply } from "./messages.ts";
import { quorumRound } from "./peers.ts";
import { sendHeartbeats } from "./replicate.ts";
import { type Leading, type Raft, send } from "./state.ts";

/** A read of this member's own driver. */
export function onRead(raft: Raft, context: string, byClock: boolean): void {
  const { leading, leader, forwarded } = raft;
  if (leading !== null) return serve(raft, leading, context, null, byClock);
  if (leader === null || forwarded.size >= raft.options.pendingReads) {
    return answer(raft, context, null, null);
  }
  forwarded.set(context, raft.nowMs);
  const { id: from, term } = raft;
  send(raft, { type: "readIndex", from, to: leader, term, context, byClock });
}

/** A read that another member passes on. */
export function onReadIndex(raft: Raft, message: ReadIndex): void {
  const { leading } = raft;
  if (leading === null) answer(raft, message.context, message.from, null);
  else serve(raft, leading, message.context, message.from, message.byClock);
}

/** The leader's answer; one that nobody waits for any more is dropped. */
export function onReadIndexReply(raft: Raft, reply: ReadIndexReply): void {
  if (!raft.forwarded.delete(reply.context)) return;
  answer(raft, reply.context, null, reply.index);
}

/** Reads that were passed on long ago are lost. */
export function expireForwarded(raft: Raft): void {
  const beforeMs = raft.nowMs - 2 * raft.options.electionMs;
  for (const [context, sinceMs] of raft.forwarded) {
    if (sinceMs > beforeMs) return;
    raft.forwarded.delete(context);
    answer(raft, context, null, null);
  }
}

function serve(
  raft: Raft,
  leading: Leading,
  context: string,
  from: MemberId | null,
  byClock: boolean,
): void {
  const { options, commit } = raft;
  const { lease, reads } = leading;
  const refused = byClock && !options.clockReads;
  if (refused || reads.size >= options.pendingReads) return answer(raft, context, from, null);
  // Before that, entries of earlier terms may be committed without this leader knowing it.
  if (commit < leading.termStart) return reads.postpone(context, from);
  const { electionMs, clockDrift } = options;
  if (byClock && lease.holds(raft.nowMs, electionMs, clockDrift) && clocksAreEven(leading)) {
    return answer(raft, context, from, commit);
  }
  // Only a round that is sent from now on proves that this member still led when the read came.
  reads.add({ context, from, index: commit, round: lease.round + 1 });
}

function clocksAreEven(leading: Leading): boolean {
  for (const peer of leading.peers.values()) if (peer.drift.isSuspect) return false;
  return true;
}

/** Confirms what can be, and sends a round if reads wait for one and none is out. */
export function proceedReads(raft: Raft, leading: Leading): void {
  const { lease, reads } = leading;
  if (raft.commit >= leading.termStart) reads.begin(raft.commit, lease.round + 1);
  if (leading.roundAnswered) confirm(raft, leading);
  if (reads.lastRound <= lease.round || lease.confirmedRound < lease.round) return;
  sendHeartbeats(raft, leading);
  confirm(raft, leading);
}

function confirm(raft: Raft, leading: Leading): void {
  leading.roundAnswered = false;
  leading.lease.confirm(Math.max(0, quorumRound(raft, leading)));
  for (const read of leading.reads.confirm(leading.lease.confirmedRound)) {
    answer(raft, read.context, read.from, read.index);
  }
}

function answer(raft: Raft, context: string, from: MemberId | null, index: number | null): void {
  if (from === null) {
    raft.out.reads.push({ context, index });
    return;
  }
  const { id, term } = raft;
  send(raft, { type: "readIndexReply", from: id, to: from, term, context, index });
}
