/** What a member says of itself. */

import type { Configuration } from "./configuration.ts";
import type { MemberId } from "./entry.ts";
import type { Role } from "./outputs.ts";
import type { ProgressState } from "./progress.ts";
import type { Progress } from "./progress.ts";
import type { Raft } from "./state.ts";

/** A member as its leader sees it. */
export interface PeerStatus {
  readonly id: MemberId;
  readonly state: ProgressState;
  /** Durable there up to here. */
  readonly match: number;
  /** The next entry it is sent. */
  readonly next: number;
  /** Entries it lacks. */
  readonly lagEntries: number;
  /** Since it was last heard. */
  readonly silentMs: number;
  readonly inflightMessages: number;
  readonly inflightBytes: number;
  /** The highest version of the machine that it can apply; null: it has not told this leader. */
  readonly machineVersion: number | null;
}

/** A member as it sees itself. */
export interface RaftStatus {
  readonly id: MemberId;
  readonly role: Role;
  readonly term: number;
  readonly vote: MemberId | null;
  /** Null: none is known, only stale reads are served. */
  readonly leader: MemberId | null;
  readonly commit: number;
  readonly applied: number;
  readonly firstIndex: number;
  readonly lastIndex: number;
  /** Durable here, up to this index. */
  readonly durableIndex: number;
  /** The index of the newest durable snapshot; 0: none. */
  readonly snapshotIndex: number;
  readonly configuration: Configuration;
  readonly configurationIndex: number;
  readonly witness: boolean;
  /** A leader without two full replicas, or a quorum, that answer. */
  readonly degraded: boolean;
  readonly transferringTo: MemberId | null;
  /** Of a leader: the others. */
  readonly peers: readonly PeerStatus[];
}

/** The status of `raft` as of its last step. */
export function statusOf(raft: Raft): RaftStatus {
  const { log } = raft;
  return {
    id: raft.id,
    role: raft.role,
    term: raft.term,
    vote: raft.vote,
    leader: raft.leader,
    commit: raft.commit,
    applied: raft.applied,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    durableIndex: raft.persistence.durableIndex,
    snapshotIndex: raft.snapshot.snapshot.index,
    configuration: raft.configuration,
    configurationIndex: raft.configurationIndex,
    witness: raft.self?.witness === true,
    degraded: raft.degraded,
    transferringTo: raft.transfer?.to ?? null,
    peers: [...raft.leading?.peers.values() ?? []].map((peer) => peerStatus(raft, peer)),
  };
}

function peerStatus(raft: Raft, peer: Progress): PeerStatus {
  return {
    id: peer.id,
    state: peer.state,
    match: peer.match,
    next: peer.next,
    lagEntries: raft.log.lastIndex - peer.match,
    silentMs: raft.nowMs - peer.lastHeardMs,
    inflightMessages: peer.inflightMessages,
    inflightBytes: peer.inflightBytes,
    machineVersion: peer.machineVersion,
  };
}
