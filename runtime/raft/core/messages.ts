/** What members of a group tell each other. Every message carries its sender's term. */

import type { Entry, MemberId, SnapshotMeta } from "./entry.ts";

interface Head {
  readonly from: MemberId;
  readonly to: MemberId;
  readonly term: number;
}

/** "Would you vote for me in `term`?": changes nothing at its receiver (dissertation, 9.6). */
export interface PreVote extends Head {
  readonly type: "preVote";
  readonly lastIndex: number;
  readonly lastTerm: number;
}

/** A granted pre-vote carries the term that was asked for, a refusal the voter's own. */
export interface PreVoteReply extends Head {
  readonly type: "preVoteReply";
  readonly granted: boolean;
}

/** RequestVote. */
export interface Vote extends Head {
  readonly type: "vote";
  readonly lastIndex: number;
  readonly lastTerm: number;
  /** The leader asked for it: a voter that hears a leader grants it too. */
  readonly transfer: boolean;
}

/** The answer to {@link Vote}. */
export interface VoteReply extends Head {
  readonly type: "voteReply";
  readonly granted: boolean;
}

/**
 * AppendEntries with entries, or a probe without. `session` names the membership of the receiver (the
 * index of the configuration that added it), so that answers of an earlier one count for nothing.
 */
export interface Append extends Head {
  readonly type: "append";
  readonly session: number;
  readonly prevIndex: number;
  readonly prevTerm: number;
  readonly entries: readonly Entry[];
  readonly commit: number;
}

/** The answer to {@link Append}: how far the logs match, or where they may begin to. */
export interface AppendReply extends Head {
  readonly type: "appendReply";
  readonly session: number;
  /** All entries up to here are those of the leader and durable; null if `prevIndex` did not match. */
  readonly match: number | null;
  /** Of a mismatch: the `prevIndex` that did not fit, and the last place where the logs may agree. */
  readonly rejected: number;
  readonly hintIndex: number;
  readonly hintTerm: number;
}

/** Keeps followers quiet, tells the commit index, and confirms that its sender still leads. */
export interface Heartbeat extends Head {
  readonly type: "heartbeat";
  readonly session: number;
  /** Never above what the receiver is known to hold. */
  readonly commit: number;
  /** Counts up within a term; the answer returns it. Reads and the lease stand on it. */
  readonly round: number;
}

/** The answer to {@link Heartbeat}. */
export interface HeartbeatReply extends Head {
  readonly type: "heartbeatReply";
  readonly session: number;
  readonly round: number;
  /** The member's wall clock in ms since 1970: stamps are judged by the voters' median. */
  readonly wallMs: number;
  /** The highest version of the machine that it can apply; absent: it has not told. */
  readonly machineVersion?: number;
}

/**
 * A piece of a snapshot file; `file` names its bytes (they may differ between members at one index).
 * A piece without bytes asks how much of it is there already.
 */
export interface SnapshotChunk extends Head {
  readonly type: "snapshotChunk";
  readonly session: number;
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** The bytes of a snapshot: length and CRC-32. A witness gets none. */
export interface SnapshotFile {
  readonly bytes: number;
  readonly crc: number;
}

/** Where the next piece of the snapshot begins. Its completion is told by an {@link AppendReply}. */
export interface SnapshotReply extends Head {
  readonly type: "snapshotReply";
  readonly session: number;
  readonly index: number;
  readonly nextOffset: number;
}

/** A follower asks the leader for a read index; contexts are unique by (node, incarnation, counter). */
export interface ReadIndex extends Head {
  readonly type: "readIndex";
  readonly context: string;
  /** Clock-bound will do. */
  readonly byClock: boolean;
}

/** State that has applied `index` answers the read; null: this member cannot tell. */
export interface ReadIndexReply extends Head {
  readonly type: "readIndexReply";
  readonly context: string;
  readonly index: number | null;
}

/** The leader hands over: campaign at once (dissertation, 3.10). */
export interface TimeoutNow extends Head {
  readonly type: "timeoutNow";
}

/** Any message between members. */
export type Message =
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Append
  | AppendReply
  | Heartbeat
  | HeartbeatReply
  | SnapshotChunk
  | SnapshotReply
  | ReadIndex
  | ReadIndexReply
  | TimeoutNow;
