/** What a leader knows of all its members together. */

import { medianOffsetMs } from "./clock.ts";
import { everyone } from "./configuration.ts";
import type { MemberId } from "./entry.ts";
import { Progress } from "./progress.ts";
import {
  commitIndex,
  couldCommit,
  quorumValue,
  replicatedIndex,
  voterIds,
  type Voters,
} from "./quorum.ts";
import type { Leading, Raft } from "./state.ts";

/** Follows the configuration in force: whoever is new begins a membership, whoever left is forgotten. */
export function syncPeers(raft: Raft, leading: Leading): void {
  const members = everyone(raft.configuration);
  const ids = new Set(members.map((member) => member.id));
  for (const id of leading.peers.keys()) if (!ids.has(id)) leading.peers.delete(id);
  for (const { id, witness } of members) {
    if (id === raft.id || leading.peers.has(id)) continue;
    const session = raft.configurationIndex;
    const next = raft.log.lastIndex + 1;
    leading.peers.set(id, new Progress(id, session, witness, next, raft.nowMs));
  }
}

/** Whether `id` has been heard within an election timeout, and can hold the log. */
export function answers(raft: Raft, leading: Leading, id: MemberId): boolean {
  if (id === raft.id) return true;
  const peer = leading.peers.get(id);
  if (peer === undefined || peer.state === "lost") return false;
  return raft.nowMs - peer.lastHeardMs < raft.options.electionMs;
}

/** Whether `voters` could commit with those that answer. */
export function couldCommitNow(raft: Raft, leading: Leading, voters: Voters): boolean {
  return couldCommit(voters, (id) => answers(raft, leading, id));
}

/** Whether a quorum has been heard within an election timeout (dissertation, 6.2). */
export function hearsQuorum(raft: Raft, leading: Leading): boolean {
  return quorumValue(raft.voters, (id) => answers(raft, leading, id) ? 1 : 0) === 1;
}

/** The highest index that may be committed; the leader's own share is what its disk holds. */
export function committable(raft: Raft, leading: Leading): number {
  return commitIndex(raft.voters, (id) => durableOn(raft, leading, id));
}

/**
 * The last entry that `peer` may be sent. A witness that were ahead of all full members that live could
 * elect none of them, and cannot lead: it gets what two full replicas hold, which commits wait for anyway.
 */
export function sendable(raft: Raft, leading: Leading, peer: Progress): number {
  if (!peer.witness) return raft.log.lastIndex;
  return replicatedIndex(raft.voters, (id) => durableOn(raft, leading, id));
}

/** What is durable on the member `id`. */
function durableOn(raft: Raft, leading: Leading, id: MemberId): number {
  return id === raft.id ? raft.persistence.durableIndex : leading.peers.get(id)?.match ?? 0;
}

/** What is durable on every full voter. */
export function durableEverywhere(raft: Raft, leading: Leading): number {
  const { incoming, outgoing } = raft.voters;
  let index = Infinity;
  for (const id of incoming.full) index = Math.min(index, durableOn(raft, leading, id));
  for (const id of outgoing?.full ?? []) index = Math.min(index, durableOn(raft, leading, id));
  return index;
}

/** Another's wall clock less ours, now; null: it has not told. */
export function clockOffsetMs(raft: Raft, leading: Leading, id: MemberId): number | null {
  if (id === raft.id) return 0;
  const baseMs = leading.peers.get(id)?.clockBaseMs ?? null;
  return baseMs === null ? null : baseMs + raft.nowMs - raft.wallMs;
}

/** The median of the voters' clocks less ours; null until a quorum has told, and where there is none. */
export function votersOffsetMs(raft: Raft, leading: Leading): number | null {
  const offsets: number[] = [];
  for (const id of voterIds(raft.voters)) {
    const offsetMs = clockOffsetMs(raft, leading, id);
    if (offsetMs !== null) offsets.push(offsetMs);
  }
  const isKnown = (id: MemberId) => clockOffsetMs(raft, leading, id) === null ? 0 : 1;
  if (quorumValue(raft.voters, isKnown) < 1) return null;
  return medianOffsetMs(offsets, raft.options.clockSkewMs);
}

/** The last heartbeat round that a quorum has answered. */
export function quorumRound(raft: Raft, leading: Leading): number {
  const { round } = leading.lease;
  return quorumValue(
    raft.voters,
    (id) => id === raft.id ? round : leading.peers.get(id)?.round ?? 0,
  );
}
