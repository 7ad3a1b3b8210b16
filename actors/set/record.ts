/** What the replicated state keeps of a set: tallies, what is being published, the first failures. */

import type { Grant, ReachedLevel } from "../job/grant.ts";

/** A file of a set whose grant is committed, and of which nobody has said yet what became of it. */
export interface OpenFile {
  /** Below the declared directories, `/` between names. */
  readonly path: string;
  readonly grant: Grant;
  /** What its ledger will remember it by: 32 hexadecimal digits. */
  readonly version?: string | undefined;
  /** Looked at, and nobody can tell: it is not published again. */
  readonly isUnclear?: true;
}

/** Why a file was not copied. */
export interface FileFailure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
}

/** Counts of one walk. */
export interface WalkCounts {
  /** At their destination already. */
  readonly unchanged: number;
  /** Not meant by the selection, not complete yet, or gone before their turn. */
  readonly left: number;
  readonly failed: number;
  /** Of the destination, which the source has not. */
  readonly deleted: number;
  /** Source files that were deleted or moved after their receipt. */
  readonly settled: number;
}

/** What is counted of a walk. */
export type WalkCount = keyof WalkCounts;

/** How far a set is. */
export interface SetProgress extends WalkCounts {
  /** The last report that was taken under the present lease; the counts are of that lease too. */
  readonly batch: number;
  readonly open: readonly OpenFile[];
  /** Since the job was submitted: every file once for each of its receipts. */
  readonly files: number;
  readonly bytes: number;
  /** The receipts of those files, in any order: see `digest.ts`. */
  readonly digest: string;
  /** The lowest verification that any of them has reached; `null` before there is one. */
  readonly level: ReachedLevel | null;
  /** The first ones. */
  readonly failures: readonly FileFailure[];
}

/** Nothing counted. */
export const NO_COUNTS: WalkCounts = { unchanged: 0, left: 0, failed: 0, deleted: 0, settled: 0 };

/** A set of which nothing was done. */
export const NEW_SET: SetProgress = {
  ...NO_COUNTS,
  batch: 0,
  open: [],
  files: 0,
  bytes: 0,
  digest: "0".repeat(64),
  level: null,
  failures: [],
};

/** The last word about a set, in its job's receipt. */
export interface SetTally extends WalkCounts {
  readonly files: number;
}

/** What a later lease begins with: it walks again. */
export function walkedAnew(set: SetProgress): SetProgress {
  return { ...set, ...NO_COUNTS, batch: 0, failures: [] };
}

/** The id of the job that one file would be; `key` is a hash of its path. */
export function fileJobId(jobId: string, key: string): string {
  return `${jobId}~${key}`;
}

/** The job that a file belongs to: itself where it is one by itself. */
export function ownerOf(jobId: string): string {
  const at = jobId.indexOf("~");
  return at < 0 ? jobId : jobId.slice(0, at);
}

const LEVELS: readonly ReachedLevel[] = ["none", "size", "source", "reread"];

/** The lower of two levels. */
export function lowerLevel(one: ReachedLevel | null, other: ReachedLevel): ReachedLevel {
  return one === null || LEVELS.indexOf(other) < LEVELS.indexOf(one) ? other : one;
}
