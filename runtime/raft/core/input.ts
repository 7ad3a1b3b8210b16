/** What a member is told: everything that happens to it, time and chance included. */

import type { MembershipChange } from "./configuration.ts";
import type { MemberId, SnapshotMeta } from "./entry.ts";
import type { Message, SnapshotFile } from "./messages.ts";

/** When an input happens, and a random number to draw timeouts from. */
export interface Moment {
  /** Monotonic clock in ms. */
  readonly nowMs: number;
  /** Wall clock in ms since 1970. */
  readonly wallMs: number;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/**
 * When a command counts as done. `quorum`: committed. `all`: committed and durable on every full voter,
 * or on a quorum once `allMs` have passed (the answer says which). `leader`: durable on the leader;
 * may be lost, and is excluded from every guarantee.
 */
export type Durability = "quorum" | "all" | "leader";

/** A command that shall be replicated. */
export interface Proposal {
  /** The driver's own number; answers name it. */
  readonly id: number;
  readonly data: Uint8Array;
  readonly durability: Durability;
}

/** Anything that happens to a member. */
export type Input =
  /** Time has passed; at least every `heartbeatMs / 2`. */
  | { readonly type: "tick" }
  | { readonly type: "message"; readonly message: Message }
  /** One batch: its commands stand in the log together. */
  | { readonly type: "propose"; readonly proposals: readonly Proposal[] }
  | { readonly type: "change"; readonly id: number; readonly change: MembershipChange }
  /** `context` is unique for ever. `byClock` reads are refused unless the options allow them. */
  | { readonly type: "read"; readonly context: string; readonly byClock: boolean }
  /** Hand leadership over; null: to the best. */
  | { readonly type: "transfer"; readonly id: number; readonly to: MemberId | null }
  /** The persist order with this number, and all before it, are durable. */
  | { readonly type: "persisted"; readonly number: number }
  /** The machine has applied (or restored) everything up to `index`. */
  | { readonly type: "applied"; readonly index: number }
  /** A snapshot of this member's own state is durable: the log before it may go. */
  | {
    readonly type: "snapshotTaken";
    readonly snapshot: SnapshotMeta;
    readonly file: SnapshotFile;
  }
  /** The answer to a `saveChunk` order. `complete`: the whole file is durable and checked. */
  | {
    readonly type: "chunkSaved";
    readonly index: number;
    readonly nextOffset: number;
    readonly complete: boolean;
  }
  /** A `sendChunk` order could not be carried out (the file is gone): try with the newest one. */
  | { readonly type: "chunkNotSent"; readonly to: MemberId; readonly index: number }
  /** What was sent to the member may be lost. */
  | { readonly type: "unreachable"; readonly member: MemberId };
