/** What a leader does by itself: begin, take commands, keep time, and bring each step to its end. */

import { appendEntry } from "./append.ts";
import { Waiters } from "./durability.ts";
import { preferBetter, proceedTransfer, watchTransfer, yieldOffice } from "./handover.ts";
import type { Proposal } from "./input.ts";
import { Lease } from "./lease.ts";
import { onConfigurationCommitted, proceedCatchUp } from "./membership.ts";
import {
  committable,
  couldCommitNow,
  durableEverywhere,
  hearsQuorum,
  syncPeers,
  votersOffsetMs,
} from "./peers.ts";
import { proceedReads } from "./reading.ts";
import { PendingReads } from "./reads.ts";
import { replicateTo, sendHeartbeats } from "./replicate.ts";
import { becomeFollower, setLeader, setRole } from "./roles.ts";
import { retryPiece } from "./snapshot_sending.ts";
import { commitTo, type Leading, type Raft, refuse } from "./state.ts";

const NO_DATA = new Uint8Array(0);

/** The election is won. */
export function becomeLeader(raft: Raft): void {
  const { log } = raft;
  const leading: Leading = {
    peers: new Map(),
    lease: new Lease(),
    reads: new PendingReads(),
    waiters: new Waiters(),
    termStart: log.lastIndex + 1,
    nextHeartbeatMs: raft.nowMs,
    uncommittedBytes: log.bytesBetween(raft.commit, log.lastIndex),
    clock: "unknown",
    matchChanged: false,
    appended: false,
    commitChanged: false,
    roundAnswered: false,
  };
  raft.leading = leading;
  raft.votes.clear();
  setRole(raft, "leader");
  setLeader(raft, raft.id);
  syncPeers(raft, leading);
  appendEntry(raft, leading, "noop", NO_DATA);
  sendHeartbeats(raft, leading);
}

/** Commands to replicate. */
export function onPropose(raft: Raft, proposals: readonly Proposal[]): void {
  const { leading } = raft;
  if (leading !== null) judgeClock(raft, leading);
  for (const proposal of proposals) {
    if (leading === null) {
      refuse(raft, proposal.id, "NotLeader", "only a leader takes commands");
    } else if (leading.clock === "skewed") {
      const reason = "this leader's clock is far from the median of the voters'";
      refuse(raft, proposal.id, "ClockSkew", reason);
    } else if (admits(raft, leading, proposal)) {
      take(raft, leading, proposal);
    }
  }
}

function admits(raft: Raft, leading: Leading, { id, data }: Proposal): boolean {
  const { options, transfer } = raft;
  if (transfer !== null) {
    refuse(raft, id, "Transferring", `leadership is on its way to ${transfer.to}`);
  } else if (data.length > options.commandBytes) {
    const reason = `${data.length} bytes are more than ${options.commandBytes}`;
    refuse(raft, id, "TooLarge", reason);
  } else if (isOverloaded(raft, leading, data.length)) {
    refuse(raft, id, "Overloaded", "too much waits to be committed, written or applied");
  } else {
    return true;
  }
  return false;
}

/** A slow disk or machine of the leader's own holds its commands back too: all of that stays in memory. */
function isOverloaded(raft: Raft, leading: Leading, bytes: number): boolean {
  const { options, log, commit, applied, persistence } = raft;
  const done = Math.min(commit, applied, persistence.durableIndex);
  if (log.lastIndex - done >= options.uncommittedEntries) return true;
  const waiting = leading.uncommittedBytes;
  return waiting > 0 && waiting + bytes > options.uncommittedBytes;
}

function judgeClock(raft: Raft, leading: Leading): void {
  const offsetMs = votersOffsetMs(raft, leading);
  if (offsetMs === null) leading.clock = "unknown";
  else leading.clock = Math.abs(offsetMs) > raft.options.clockSkewMs ? "skewed" : "even";
}

function take(raft: Raft, leading: Leading, { id, data, durability }: Proposal): void {
  const { index, term } = appendEntry(raft, leading, "command", data);
  raft.out.answers.push({ id, outcome: "appended", index, term });
  const { waiters } = leading;
  if (durability === "quorum") waiters.forQuorum(id, index);
  else if (durability === "all") waiters.forAll(id, index, raft.nowMs + raft.options.allMs);
  else waiters.forLeader(id, index);
}

/** Time has passed. */
export function tickLeader(raft: Raft, leading: Leading): void {
  if (!hearsQuorum(raft, leading)) return becomeFollower(raft, raft.term, null, null);
  if (raft.nowMs >= leading.nextHeartbeatMs) {
    noteMissed(raft, leading);
    sendHeartbeats(raft, leading);
    if (raft.transfer !== null) raft.transfer.told = false;
  }
  for (const peer of leading.peers.values()) retryPiece(raft, peer);
  leading.matchChanged = true;
  leading.roundAnswered = true;
  noteDegraded(raft, leading);
  judgeClock(raft, leading);
  watchTransfer(raft);
  if (leading.clock === "skewed") yieldOffice(raft, leading);
  else preferBetter(raft, leading);
}

function noteMissed(raft: Raft, leading: Leading): void {
  for (const peer of leading.peers.values()) {
    const silentMs = raft.nowMs - peer.lastHeardMs;
    if (silentMs < 2 * raft.options.heartbeatMs) continue;
    raft.out.events.push({ type: "heartbeatMissed", member: peer.id });
  }
}

function noteDegraded(raft: Raft, leading: Leading): void {
  const degraded = !couldCommitNow(raft, leading, raft.voters);
  if (degraded === raft.degraded) return;
  raft.degraded = degraded;
  const reason = degraded
    ? "fewer than two full replicas, or than a quorum, answer"
    : "enough members answer";
  raft.out.events.push({ type: "degraded", degraded, reason });
}

/** What the step's news come to; may end in the loss of leadership. */
export function settleLeader(raft: Raft, leading: Leading): void {
  if (leading.matchChanged) {
    leading.matchChanged = false;
    advanceCommit(raft, leading);
    if (raft.leading !== leading) return;
    settleWaiters(raft, leading);
    for (const peer of leading.peers.values()) {
      // What two replicas hold has grown perhaps: witnesses may have it now.
      if (peer.witness) replicateTo(raft, leading, peer, false);
    }
  }
  proceedCatchUp(raft, leading);
  proceedTransfer(raft, leading);
  proceedReads(raft, leading);
  if (!leading.appended && !leading.commitChanged) return;
  for (const peer of leading.peers.values()) {
    // Followers apply within a round trip: those that get no entries now are told of the commit alone.
    const hasAll = peer.next > raft.log.lastIndex;
    replicateTo(raft, leading, peer, leading.commitChanged && (hasAll || peer.witness));
  }
  leading.appended = false;
  leading.commitChanged = false;
}

function advanceCommit(raft: Raft, leading: Leading): void {
  const index = committable(raft, leading);
  // Only entries of the own term are committed by counting (paper, 5.4.2).
  if (index <= raft.commit || raft.log.termAt(index) !== raft.term) return;
  leading.uncommittedBytes -= raft.log.bytesBetween(raft.commit, index);
  commitTo(raft, index);
  leading.commitChanged = true;
  leading.waiters.committed(index);
  onConfigurationCommitted(raft, leading);
}

function settleWaiters(raft: Raft, leading: Leading): void {
  if (!leading.waiters.isWaited) return;
  leading.waiters.settle({
    nowMs: raft.nowMs,
    commit: raft.commit,
    everywhere: durableEverywhere(raft, leading),
    here: raft.persistence.durableIndex,
  }, raft.out.answers);
}
