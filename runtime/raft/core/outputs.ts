/**
 * What a member wants done. The driver's duties:
 *
 * 1. Persist orders are carried out in the order of their numbers and confirmed by `persisted` (one
 *    confirmation may stand for several). Nothing else waits for them: what must not be said before
 *    something is durable is not in `send` before it was confirmed.
 * 2. `send` goes out at any time, in order per receiver; loss is allowed.
 * 3. `apply` and `restore` are carried out one after the other in the order in which they came, and
 *    confirmed by `applied`.
 * 4. `compact` may be carried out late, or never; everything up to it is durable as it stands in the log.
 */

import type { Entry, HardState, MemberId, SnapshotMeta } from "./entry.ts";
import type { Configuration } from "./configuration.ts";
import type { Message, SnapshotFile } from "./messages.ts";

/** Something to make durable. Within an order: reset, then entries, then the hard state. */
export interface PersistOrder {
  /** Counts up by one. */
  readonly number: number;
  /** The log is now empty and begins after this snapshot (which is durable already). */
  readonly reset: SnapshotMeta | null;
  /** Consecutive; they replace everything in the log from the first one's index on. */
  readonly entries: readonly Entry[];
  readonly hardState: HardState | null;
}

/** Send the piece of a snapshot at `offset` (null: none, ask what is there) as a SnapshotChunk. */
export interface SendChunk {
  readonly to: MemberId;
  readonly term: number;
  readonly session: number;
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  readonly offset: number | null;
}

/** Keep a piece that came; answer with `chunkSaved`. */
export interface SaveChunk {
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile;
  readonly offset: number;
  readonly bytes: Uint8Array;
}

/** Why a wish was refused; nothing of it has happened, and nothing will. */
export type RefusalCode =
  | "NotLeader"
  | "Transferring"
  | "Overloaded"
  | "TooLarge"
  | "ClockSkew"
  | "ChangePending"
  | "NoCommitInTerm"
  | "UnknownMember"
  | "WrongRole"
  | "WouldLoseQuorum"
  | "CatchUpTooSlow"
  | "ClockReadsOff"
  | "TransferTimeout";

/** What became of a wish, by the driver's number. */
export type Answer =
  /** Commands: they stand in the log at `index`; whether they commit shows when that index is applied. */
  | {
    readonly id: number;
    readonly outcome: "appended";
    readonly index: number;
    readonly term: number;
  }
  /** Membership changes and transfers: done. */
  | { readonly id: number; readonly outcome: "done" }
  /** Commands with durability `all` or `leader`: reached this level. */
  | {
    readonly id: number;
    readonly outcome: "durable";
    readonly level: "all" | "quorum" | "leader";
  }
  | {
    readonly id: number;
    readonly outcome: "refused";
    readonly code: RefusalCode;
    readonly leader: MemberId | null;
    /** What exactly, for people. */
    readonly reason: string;
  }
  /** This member led, and leads no more: it may happen or not. */
  | { readonly id: number; readonly outcome: "unknown" };

/** The answer to a read: from `index` on (inclusive) state is fresh enough; null: ask again later. */
export interface ReadAnswer {
  readonly context: string;
  readonly index: number | null;
}

/** What others may want to know. */
export type RaftEvent =
  | { readonly type: "role"; readonly role: Role; readonly term: number }
  | { readonly type: "leader"; readonly leader: MemberId | null; readonly term: number }
  | { readonly type: "term"; readonly term: number }
  /** In force from now on; `committed` once it is. */
  | {
    readonly type: "configuration";
    readonly configuration: Configuration;
    readonly index: number;
    readonly committed: boolean;
  }
  | { readonly type: "campaign"; readonly term: number; readonly pre: boolean }
  /** Fewer than two full replicas, or fewer than a quorum, answer. */
  | { readonly type: "degraded"; readonly degraded: boolean; readonly reason: string }
  | { readonly type: "heartbeatMissed"; readonly member: MemberId }
  /** A member holds less than it had confirmed: its disk was lost, it must come back under a new id. */
  | { readonly type: "lostLog"; readonly member: MemberId };

/** What a member is at the moment. */
export type Role = "follower" | "preCandidate" | "candidate" | "leader";

/** The outcome of one step. */
export interface Outputs {
  readonly persist: readonly PersistOrder[];
  readonly send: readonly Message[];
  /** Committed entries, in order. */
  readonly apply: readonly Entry[];
  /** Replace the machine's state by this snapshot; comes before `apply` of the same step. */
  readonly restore: SnapshotMeta | null;
  readonly sendChunks: readonly SendChunk[];
  readonly saveChunk: SaveChunk | null;
  /** Entries up to here are no longer needed. */
  readonly compact: number | null;
  readonly answers: readonly Answer[];
  readonly reads: readonly ReadAnswer[];
  readonly events: readonly RaftEvent[];
}
