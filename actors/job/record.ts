/** A job as the replicated state knows it: the execution of one transfer. */

import type { ErrorData } from "../../runtime/base/errors.ts";
import type { Origin } from "../controller/origin.ts";
import type { Grant, ReachedLevel } from "./grant.ts";
import type { SetProgress, SetTally } from "../set/record.ts";
import type { UsedVolumes } from "../scheduler/volumes.ts";
import type { TransferSpec } from "../../workflows/spec.ts";

/** Where a job stands (DESIGN section 7). */
export type JobState =
  | "submitted"
  | "queued"
  | "assigned"
  | "running"
  | "verifying"
  | "publishing"
  | "succeeded"
  | "retrying"
  | "paused"
  | "cancelled"
  | "failed"
  | "unknown";

/** States that a job never leaves by itself. */
export const FINAL_STATES: ReadonlySet<JobState> = new Set(["succeeded", "cancelled", "failed"]);

/** States in which an agent holds the job's lease. */
export const LEASED_STATES: ReadonlySet<JobState> = new Set([
  "assigned",
  "running",
  "verifying",
  "publishing",
]);

/**
 * The right of one attempt. The fencing token is (epoch, group, index) of the assignment in the log:
 * a later assignment always has the greater one.
 */
export interface Lease {
  readonly epoch: number;
  readonly group: number;
  readonly index: number;
  readonly agent: string;
  /** The life of the agent's process that it was given to; none in an embedded run. */
  readonly incarnation?: string | undefined;
  /** The agent that reads the source for it, where `agent` does not reach that itself. */
  readonly reader?: string;
}

/** A temporary file, by the last lease whose attempt may have written to it. */
export interface Temporary {
  readonly temp: string;
  readonly leaseIndex: number;
  /** Who had the lease, where it was lost: nobody else may hand it back. Absent in old logs. */
  readonly agent?: string;
}

/**
 * What of a temporary file was verified, small enough to be replicated: another agent that can read the
 * file proves the whole prefix by the root alone.
 */
export interface Progressed {
  readonly leaseIndex: number;
  readonly temp: string;
  readonly chunkBytes: number;
  /** Verified chunks from the start. */
  readonly chunks: number;
  /** SHA-256 over the digests of those chunks in order. */
  readonly root: string;
  /** The version of the source that they came from. */
  readonly fingerprint: {
    readonly size: number | null;
    readonly mtimeMs: number | null;
    readonly etag: string | null;
    readonly version: string | null;
  };
}

export type { Grant, ReachedLevel };

/** What is known for certain of a finished transfer. */
export interface Receipt {
  /** `skipped`: an equal file was there already and nothing was written. */
  readonly outcome: "published" | "skipped" | "recovered";
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string | null;
  readonly root: string | null;
  readonly level: ReachedLevel;
  readonly fence: string;
  readonly fileId: string | null;
  /** Bytes that the last attempt got from the source. */
  readonly fetchedBytes: number;
  /** Bytes kept from earlier attempts, read again locally to rebuild the hash. */
  readonly keptBytes: number;
  readonly attempts: number;
  readonly startedMs: number;
  readonly endedMs: number;
  /** Bytes that the service itself copied: none of them came to an agent. Absent where there are none. */
  readonly copiedBytes?: number | undefined;
  /** Why the bytes were streamed although both ends are of one protocol whose services copy. */
  readonly streamedBecause?: string | undefined;
  /** Of a set: `bytes` and `root` are those of all its files together. */
  readonly files?: SetTally | undefined;
}

/** What its owner wants of a job; the state follows as soon as it can. */
export type JobIntent = "run" | "pause" | "cancel";

/** One job. Immutable; every change is a new value. */
export interface Job {
  readonly id: string;
  readonly tenant: string;
  readonly runId: string;
  readonly spec: TransferSpec;
  /** That of its run, told to agents; the state keeps it with the run alone. */
  readonly origin?: Origin;
  /** Where its `reader` is, told to agents as well; null: it accepts no links. */
  readonly relay?: { readonly url: string | null };
  /** The job that it tries again and whose temporary files it has taken over: among its `stale` ones. */
  readonly goesOnWith?: string;
  /** Where its local files lie, since its first attempt: absent where agents hold no volumes. */
  readonly volumes?: UsedVolumes;
  readonly state: JobState;
  /** Why it is in this state, for people. */
  readonly why: string;
  readonly intent: JobIntent;
  /** Leases so far. */
  readonly attempts: number;
  /** Attempts that ended with an error; these are what `retry.maxAttempts` bounds. */
  readonly failures: number;
  readonly lease: Lease | null;
  /** Temporary files whose writers are proved gone: the next attempt may adopt one. */
  readonly adoptable: readonly Temporary[];
  /** Those whose writers may still be at work: to be seized before anything is published. */
  readonly stale: readonly Temporary[];
  /** The last checkpoint that was replicated. */
  readonly progressed: Progressed | null;
  /** How far a set is; absent where it is one file. */
  readonly set?: SetProgress;
  readonly grant: Grant | null;
  readonly error: ErrorData | null;
  readonly receipt: Receipt | null;
  readonly retryAtMs: number | null;
  readonly submittedMs: number;
  readonly startedMs: number | null;
  readonly endedMs: number | null;
  /** The index of the last command that changed it. */
  readonly version: number;
}

/** Whether attempts that are over may have left temporary files. */
export function mayHaveLeft({ adoptable, stale }: Pick<Job, "adoptable" | "stale">): boolean {
  return adoptable.length > 0 || stale.length > 0;
}

/** The name of the temporary file of an attempt, in the destination's directory. */
export function temporaryName(jobId: string, lease: Lease): string {
  return `.quorus-${jobId}-${lease.epoch}.${lease.group}.${lease.index}.part`;
}

/** Equal tokens of the same agent: the same attempt. One command may give leases to several agents. */
export function sameLease(a: Lease | null, b: Lease): boolean {
  return a !== null && a.agent === b.agent && a.epoch === b.epoch && a.group === b.group &&
    a.index === b.index;
}
