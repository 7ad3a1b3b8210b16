/** The numbers of a member; the room's table (`../limits.ts`) has their defaults and reasons. */

import type { Entry, HardState, MemberId, SnapshotMeta } from "./entry.ts";
import type { SnapshotFile } from "./messages.ts";

/** How a member behaves. Times in ms, sizes in bytes. */
export interface RaftOptions {
  readonly id: MemberId;
  readonly heartbeatMs: number;
  /** Election timeout: this, and a random part up to it. */
  readonly electionMs: number;
  /** One Append at most, unless a single entry is longer. */
  readonly appendBytes: number;
  /** Appends under way to one member, and their bytes. */
  readonly inflightMessages: number;
  readonly inflightBytes: number;
  /** One command. */
  readonly commandBytes: number;
  /** Commands in the leader's log that are not committed; more is refused as `Overloaded`. */
  readonly uncommittedBytes: number;
  readonly uncommittedEntries: number;
  /** Entries given to the machine and not applied yet. */
  readonly applyingBytes: number;
  /** Reads that wait for their answer. */
  readonly pendingReads: number;
  /** Entries, and bytes of them, that stay behind a snapshot for slow followers. */
  readonly keepEntries: number;
  readonly keepBytes: number;
  readonly catchUpRounds: number;
  /** Until a transfer is given up. */
  readonly transferMs: number;
  /** Until a command with durability `all` is content with a quorum. */
  readonly allMs: number;
  /** Until a piece of a snapshot without an answer is sent again. */
  readonly chunkRetryMs: number;
  /** A leader whose clock is further than this from the voters' median takes no commands. */
  readonly clockSkewMs: number;
  /** Reads by the leader's lease are allowed. Off by default: they stand on clocks. */
  readonly clockReads: boolean;
  /** How much faster one monotonic clock may run than another, e.g. 0.05; the lease is shortened by it. */
  readonly clockDrift: number;
  /** How long a follower of higher priority must have kept up before the leader hands over. */
  readonly priorityMs: number;
  /** The highest version of the machine that this member can apply. Leaders are told; it decides nothing here. */
  readonly machineVersion?: number;
}

/** What a member starts from: what its disk holds, or nothing but the first configuration. */
export interface Restored {
  readonly hardState: HardState;
  /** The newest snapshot; index 0 with the group's first configuration where there is none. */
  readonly snapshot: SnapshotMeta;
  readonly file: SnapshotFile | null;
  /** Consecutive, from `firstIndex` on; they may begin before the snapshot's end. */
  readonly entries: readonly Entry[];
}
