/** A leader hands over: because it was asked, for a better one, or since it was removed. */

import { bestSuccessor, transferRefusal } from "./transfer.ts";
import type { MemberId } from "./entry.ts";
import { answers, clockOffsetMs, votersOffsetMs } from "./peers.ts";
import { preferredLeader } from "./priority.ts";
import { replicateTo } from "./replicate.ts";
import { becomeFollower } from "./roles.ts";
import { type Leading, type Raft, refuse, send } from "./state.ts";

/** Patience with better members grows to this power of two, */
const PATIENCE_DOUBLINGS = 8;
/** and is forgotten after so many times its length. */
const PATIENCE_FORGOTTEN = 8;

/** A wish to hand over to `to`, or to the best. */
export function onTransfer(raft: Raft, id: number, to: MemberId | null): void {
  const { leading } = raft;
  if (leading === null) return refuse(raft, id, "NotLeader", "only a leader hands over");
  if (raft.transfer !== null) {
    return refuse(raft, id, "Transferring", `leadership is on its way to ${raft.transfer.to}`);
  }
  const target = to ?? successor(raft, leading);
  if (target === null) return refuse(raft, id, "UnknownMember", "nobody else could lead now");
  if (target === raft.id) {
    raft.out.answers.push({ id, outcome: "done" });
    return;
  }
  const refusal = transferRefusal(raft.configuration, target);
  if (refusal !== null) return refuse(raft, id, refusal.code, refusal.reason);
  begin(raft, leading, id, target);
}

function successor(raft: Raft, leading: Leading): MemberId | null {
  const candidates = [...leading.peers.values()].map((peer) => ({
    id: peer.id,
    match: peer.match,
    answers: answers(raft, leading, peer.id) && isPunctual(raft, leading, peer.id),
  }));
  return bestSuccessor(raft.configuration, raft.id, candidates);
}

function begin(raft: Raft, leading: Leading, id: number | null, to: MemberId): void {
  raft.transfer = { id, to, deadlineMs: raft.nowMs + raft.options.transferMs, told: false };
  // Votes of a transfer break the promise that clock-bound reads stand on.
  leading.lease.end();
  const peer = leading.peers.get(to);
  if (peer !== undefined) replicateTo(raft, leading, peer, true);
}

/** Tells the successor to campaign once it has the whole log. */
export function proceedTransfer(raft: Raft, leading: Leading): void {
  const { transfer } = raft;
  if (transfer === null || transfer.told) return;
  const peer = leading.peers.get(transfer.to);
  if (peer === undefined || peer.match < raft.log.lastIndex) return;
  transfer.told = true;
  send(raft, { type: "timeoutNow", from: raft.id, to: peer.id, term: raft.term });
}

/** Gives a transfer up that takes too long, or whose successor left. */
export function watchTransfer(raft: Raft): void {
  const { transfer } = raft;
  if (transfer === null) return;
  const left = transferRefusal(raft.configuration, transfer.to) !== null;
  if (!left && raft.nowMs < transfer.deadlineMs) return;
  raft.transfer = null;
  if (transfer.id === null) return;
  const reason = left
    ? `${transfer.to} left the group`
    : `${transfer.to} did not take over within ${raft.options.transferMs} ms`;
  refuse(raft, transfer.id, "TransferTimeout", reason);
}

/** Hands over to a member of higher priority that has kept up long enough. */
export function preferBetter(raft: Raft, leading: Leading): void {
  noteKeepingUp(raft, leading);
  if (raft.transfer !== null || raft.change !== null || raft.self === null) return;
  const patienceMs = preferencePatienceMs(raft);
  const preferred = preferredLeader(raft.configuration, raft.self, (id) => {
    const sinceMs = leading.peers.get(id)?.keptUpSinceMs ?? null;
    return sinceMs !== null && raft.nowMs - sinceMs >= patienceMs;
  });
  if (preferred === null) return;
  const peer = leading.peers.get(preferred);
  // If it does not take over, it has to keep up all over again.
  if (peer !== undefined) peer.keptUpSinceMs = null;
  raft.preferences = { count: raft.preferences.count + 1, lastMs: raft.nowMs };
  begin(raft, leading, null, preferred);
}

/**
 * A better member that hears this one may still hear no quorum. Whoever leads again soon after it gave
 * way waits twice as long the next time, so that such a group is not without a leader for ever.
 */
function preferencePatienceMs(raft: Raft): number {
  const { preferences: { count, lastMs }, options, nowMs } = raft;
  const patienceMs = options.priorityMs * 2 ** Math.min(count, PATIENCE_DOUBLINGS);
  if (count === 0 || nowMs - lastMs < PATIENCE_FORGOTTEN * patienceMs) return patienceMs;
  raft.preferences = { count: 0, lastMs };
  return options.priorityMs;
}

/** This leader's clock is wrong, so that it takes no commands: whoever is right may lead. */
export function yieldOffice(raft: Raft, leading: Leading): void {
  const to = raft.transfer === null ? successor(raft, leading) : null;
  if (to !== null) begin(raft, leading, null, to);
}

function isPunctual(raft: Raft, leading: Leading, id: MemberId): boolean {
  const offsetMs = clockOffsetMs(raft, leading, id) ?? 0;
  const medianMs = votersOffsetMs(raft, leading) ?? offsetMs;
  return Math.abs(offsetMs - medianMs) <= raft.options.clockSkewMs;
}

function noteKeepingUp(raft: Raft, leading: Leading): void {
  for (const peer of leading.peers.values()) {
    const keepsUp = peer.state === "replicate" && peer.match >= raft.commit &&
      answers(raft, leading, peer.id) && isPunctual(raft, leading, peer.id);
    peer.keptUpSinceMs = keepsUp ? peer.keptUpSinceMs ?? raft.nowMs : null;
  }
}

/** The configuration without this leader is committed: another one leads from now on. */
export function resign(raft: Raft, leading: Leading): void {
  const to = successor(raft, leading);
  if (to !== null) send(raft, { type: "timeoutNow", from: raft.id, to, term: raft.term });
  becomeFollower(raft, raft.term, null, to);
}
