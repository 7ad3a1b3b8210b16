/** A leader and one of its members: appends, heartbeats and their answers. */

import { assert } from "../../base/assert.ts";
import { type Entry, entryBytes, type MemberId } from "./entry.ts";
import type { AppendReply, HeartbeatReply } from "./messages.ts";
import { sendable } from "./peers.ts";
import type { Progress } from "./progress.ts";
import { offerSnapshot } from "./snapshot_sending.ts";
import { type Leading, type Raft, send } from "./state.ts";

const NO_DATA = new Uint8Array(0);

/** Sends what `peer` lacks and its window allows; `evenEmpty`: at least an append without entries. */
export function replicateTo(
  raft: Raft,
  leading: Leading,
  peer: Progress,
  evenEmpty: boolean,
): void {
  if (peer.state === "probe" && !peer.probing) {
    peer.probing = sendAppend(raft, peer, sendable(raft, leading, peer));
  } else if (peer.state === "replicate") {
    const last = sendable(raft, leading, peer);
    let sent = 0;
    while (peer.next <= last && peer.hasRoom(raft.options)) {
      if (!sendAppend(raft, peer, last)) return;
      sent++;
    }
    if (sent === 0 && evenEmpty) sendAppend(raft, peer, 0);
  }
}

/** One append with entries up to `last`; false if the log begins later, so that a snapshot has to go. */
function sendAppend(raft: Raft, peer: Progress, last: number): boolean {
  const { log, options } = raft;
  const prevIndex = peer.next - 1;
  const prevTerm = log.termAt(prevIndex);
  if (prevTerm === undefined) {
    offerSnapshot(raft, peer);
    return false;
  }
  let entries: readonly Entry[] = [];
  if (peer.next <= last) {
    entries = log.slice(peer.next, last, options.appendBytes);
    if (peer.state === "replicate") peer.sent(prevIndex + entries.length, bytesOf(entries));
    if (peer.witness) entries = entries.map(stripped);
  }
  send(raft, {
    type: "append",
    from: raft.id,
    to: peer.id,
    term: raft.term,
    session: peer.session,
    prevIndex,
    prevTerm,
    entries,
    commit: raft.commit,
  });
  return true;
}

function bytesOf(entries: readonly Entry[]): number {
  let bytes = 0;
  for (const entry of entries) bytes += entryBytes(entry);
  return bytes;
}

/** What a witness keeps of an entry: its place, its term, and who the members are. */
function stripped(entry: Entry): Entry {
  return entry.kind === "config" ? entry : { ...entry, data: NO_DATA };
}

/** A round of heartbeats; reads and the lease stand on its answers. */
export function sendHeartbeats(raft: Raft, leading: Leading): void {
  const round = leading.lease.nextRound(raft.nowMs);
  leading.nextHeartbeatMs = raft.nowMs + raft.options.heartbeatMs;
  // This member has answered itself, which is enough for a group of one.
  leading.roundAnswered = true;
  for (const peer of leading.peers.values()) {
    if (peer.state === "lost") continue;
    send(raft, {
      type: "heartbeat",
      from: raft.id,
      to: peer.id,
      term: raft.term,
      session: peer.session,
      // The receiver commits what it holds: never more than it is known to hold.
      commit: Math.min(raft.commit, peer.match),
      round,
    });
  }
}

/** The member that answered, if it did so in its present membership. */
export function answeringPeer(
  raft: Raft,
  leading: Leading,
  reply: { readonly from: MemberId; readonly session: number },
): Progress | null {
  const peer = leading.peers.get(reply.from);
  // Answers from an earlier membership are about another log (a late one must not count to a quorum).
  if (peer === undefined || peer.session !== reply.session) return null;
  if (peer.state === "lost") return null;
  peer.lastHeardMs = raft.nowMs;
  return peer;
}

/** An answer to an append. */
export function onAppendReply(raft: Raft, leading: Leading, reply: AppendReply): void {
  const peer = answeringPeer(raft, leading, reply);
  if (peer === null) return;
  if (reply.match === null) onRejection(raft, leading, peer, reply);
  else onMatch(raft, leading, peer, reply.match);
}

function onMatch(raft: Raft, leading: Leading, peer: Progress, match: number): void {
  assert(match <= raft.log.lastIndex, "nobody holds more of a leader's log than the leader");
  if (peer.acknowledge(match)) leading.matchChanged = true;
  // It has the snapshot; if the log begins later by now, the first append finds out, and a newer one goes.
  const isInstalled = peer.sending !== null && peer.match >= peer.sending.snapshot.index;
  const meets = isInstalled || raft.log.termAt(peer.match) !== undefined;
  const hasMet = peer.state === "probe" || (peer.state === "snapshot" && meets);
  if (hasMet) peer.replicate();
  // What was committed while its first append was out is told now, not with the next heartbeat.
  replicateTo(raft, leading, peer, hasMet);
}

function onRejection(raft: Raft, leading: Leading, peer: Progress, reply: AppendReply): void {
  // Index 0 always fits: this is the word of a member that was told of commits it no longer holds.
  if (reply.rejected === 0) {
    if (reply.hintIndex >= peer.match) return;
    peer.lose();
    raft.out.events.push({ type: "lostLog", member: peer.id });
    return;
  }
  const place = raft.log.lastPlaceOf(reply.hintIndex, reply.hintTerm);
  if (!peer.reject(reply.rejected, Math.min(place, reply.hintIndex))) return;
  replicateTo(raft, leading, peer, true);
}

/** An answer to a heartbeat. */
export function onHeartbeatReply(raft: Raft, leading: Leading, reply: HeartbeatReply): void {
  const peer = answeringPeer(raft, leading, reply);
  if (peer === null) return;
  peer.round = Math.max(peer.round, reply.round);
  peer.machineVersion = reply.machineVersion ?? null;
  leading.roundAnswered = true;
  peer.clockBaseMs = reply.wallMs - raft.nowMs;
  peer.drift.observe(raft.nowMs, reply.wallMs, raft.options);
  // What was under way may be lost: an append behind it brings that to light.
  peer.probing = false;
  if (peer.match < raft.log.lastIndex) replicateTo(raft, leading, peer, true);
}
