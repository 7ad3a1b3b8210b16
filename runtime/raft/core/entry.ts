/** What the log of a Raft group consists of. */

import type { Configuration } from "./configuration.ts";

/** The id of a member: that of its node, used by one log only, for ever. */
export type MemberId = string;

/** `command` is the machine's, `noop` begins a term, `config` holds a {@link Configuration} as JSON. */
export type EntryKind = "command" | "noop" | "config";

/** One entry of the replicated log. */
export interface Entry {
  /** From 1, without gaps. */
  readonly index: number;
  readonly term: number;
  /** The leader's wall clock when it appended, in ms since 1970; never falls along the log. */
  readonly stampMs: number;
  readonly kind: EntryKind;
  /** Empty on a witness, unless `config`. Nobody writes into it. */
  readonly data: Uint8Array;
}

/** What must be durable before a member answers (Raft paper, figure 2), and how far it knew of commits. */
export interface HardState {
  readonly term: number;
  /** Whom this member voted for in `term`. */
  readonly vote: MemberId | null;
  /** A hint: a member that starts may apply so far at once. */
  readonly commit: number;
}

/** What a snapshot stands for. The state itself is the driver's. */
export interface SnapshotMeta {
  /** The last entry it covers. */
  readonly index: number;
  readonly term: number;
  readonly stampMs: number;
  /** The configuration in force at `index`, and the index of its entry. */
  readonly configuration: Configuration;
  readonly configurationIndex: number;
}

/** What an entry costs in windows and buffers beside its data: head in the log and in memory. */
const ENTRY_OVERHEAD_BYTES = 64;

/** The cost of an entry in bytes. */
export function entryBytes(entry: Entry): number {
  return entry.data.length + ENTRY_OVERHEAD_BYTES;
}
