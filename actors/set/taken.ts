/**
 * What a report about files of a set does to its job: pure, and checked again whatever the attempt
 * believes. No file has a receipt without a grant, and no grant is forgotten before it was answered for.
 */

import type { Grant, Job, Lease, ReachedLevel, Receipt } from "../job/record.ts";
import { SET_LIMITS } from "./limits.ts";
import { sumOfDigests } from "./digest.ts";
import { isOfLease } from "./names.ts";
import {
  type FileFailure,
  lowerLevel,
  type OpenFile,
  type SetProgress,
  type WalkCounts,
} from "./record.ts";

/** What became of a granted file. */
export interface FileDone {
  readonly path: string;
  readonly outcome: "published" | "recovered" | "unpublished" | "unclear";
}

/** One report: files that may be published now, and what became of others. */
export interface FilesReport {
  /** Counts the reports of a lease from 1, so that one that comes twice is known. */
  readonly batch: number;
  readonly grants: {
    readonly path: string;
    readonly grant: Grant;
    readonly version?: string | undefined;
  }[];
  readonly done: FileDone[];
  /** Added to those of the walk. */
  readonly counts: WalkCounts;
  readonly failures: FileFailure[];
  /** The receipts of `done`. */
  readonly digest: string;
}

/** The job after a report, or why it does not hold: all of it or none. */
export function takeFiles(
  job: Job,
  lease: Lease,
  report: FilesReport,
): Job | { readonly refused: string } {
  const { set, id } = job;
  if (set === undefined) return { refused: `files: job ${id} is no set` };
  if (report.batch <= set.batch) {
    return { refused: `files: report ${report.batch} of job ${id} comes after ${set.batch}` };
  }
  const open = new Map(set.open.map((file) => [file.path, file]));
  const closed = closeFiles(id, lease, open, report.done);
  if (typeof closed === "string") return { refused: closed };
  const why = openFiles(job, lease, open, report.grants);
  if (why !== null) return { refused: why };
  const next: SetProgress = {
    ...counted(set, report.counts),
    batch: report.batch,
    open: [...open.values()],
    files: set.files + closed.files,
    bytes: set.bytes + closed.bytes,
    digest: sumOfDigests(set.digest, report.digest),
    level: closed.levels.reduce(lowerLevel, set.level),
    failures: [...set.failures, ...report.failures].slice(0, SET_LIMITS.setFailures.value),
  };
  return { ...job, set: next, state: "running", why: `running on ${lease.agent}` };
}

function counted(set: SetProgress, more: WalkCounts): SetProgress {
  return {
    ...set,
    unchanged: set.unchanged + more.unchanged,
    left: set.left + more.left,
    failed: set.failed + more.failed,
    deleted: set.deleted + more.deleted,
    settled: set.settled + more.settled,
  };
}

/** Takes answered files out of `open`; what was published of them, or why that cannot be. */
function closeFiles(
  jobId: string,
  lease: Lease,
  open: Map<string, OpenFile>,
  done: readonly FileDone[],
): { files: number; bytes: number; levels: ReachedLevel[] } | string {
  let [files, bytes] = [0, 0];
  const levels: ReachedLevel[] = [];
  for (const { path, outcome } of done) {
    const file = open.get(path);
    // Said of a grant that was refused, too: one that came twice may have been taken after all.
    if (file === undefined && outcome === "unpublished") continue;
    if (file === undefined) return `files: ${path} of job ${jobId} has no grant`;
    if (outcome === "unclear") {
      open.set(path, { ...file, isUnclear: true });
      continue;
    }
    if (outcome === "published" && file.grant.leaseIndex !== lease.index) {
      return `files: the grant of ${path} of job ${jobId} is of lease ${file.grant.leaseIndex}`;
    }
    open.delete(path);
    if (outcome === "unpublished") continue;
    files += 1;
    bytes += file.grant.size;
    levels.push(file.grant.level);
  }
  return { files, bytes, levels };
}

function openFiles(
  job: Job,
  lease: Lease,
  open: Map<string, OpenFile>,
  grants: FilesReport["grants"],
): string | null {
  if (grants.length > 0 && job.intent !== "run") return `files: job ${job.id} is to ${job.intent}`;
  for (const { path, grant, version } of grants) {
    if (open.has(path)) return `files: ${path} of job ${job.id} has a grant already`;
    if (grant.leaseIndex !== lease.index) {
      return `files: lease ${lease.index} of job ${job.id} asks for lease ${grant.leaseIndex}`;
    }
    if (job.stale.some(({ temp }) => isOfLease(grant.temp, temp))) {
      return `files: ${grant.temp} of job ${job.id} is that of a lost lease`;
    }
    open.set(path, version === undefined ? { path, grant } : { path, grant, version });
  }
  if (open.size <= SET_LIMITS.setOpenFiles.value) return null;
  return `files: job ${job.id} has ${SET_LIMITS.setOpenFiles.value} files open already`;
}

/** Why the receipt of a set cannot be true; `null`: it may be taken. */
export function whyNotTallied(id: string, set: SetProgress, receipt: Receipt): string | null {
  if (set.open.length > 0) {
    return `succeed: ${set.open.length} files of job ${id} may be published, or not`;
  }
  if (set.failed > 0) return `succeed: ${set.failed} files of job ${id} have failed`;
  const { files = null, bytes, root } = receipt;
  if (files?.files === set.files && bytes === set.bytes && root === set.digest) return null;
  return `succeed: ${set.files} files of job ${id} have receipts, not ${files?.files ?? "one"}`;
}
