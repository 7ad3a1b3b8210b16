/** Which runs should leave the hot state now. */

import type { LimitTable, LimitValues } from "../../runtime/base/limits.ts";
import { archivable } from "../controller/archive.ts";
import type { ArchivedRun, Run, State } from "../controller/state.ts";
import { mayHaveLeft } from "../job/record.ts";
import { ACTOR_LIMITS } from "../limits.ts";

const {
  archiveAfterMs,
  archiveRestMs,
  archiveOwingMs,
  archiveHotJobs,
  archiveSegmentRuns,
  archiveSegmentJobs,
  archiveOpenSegments,
} = ACTOR_LIMITS;

/** The limits that decide. */
export const DUE_LIMITS = {
  archiveAfterMs,
  archiveRestMs,
  archiveOwingMs,
  archiveHotJobs,
  archiveSegmentRuns,
  archiveSegmentJobs,
  archiveOpenSegments,
} as const satisfies LimitTable;
/** Their values. */
export type DueLimits = LimitValues<typeof DUE_LIMITS>;

/** The runs of the next segment, those that ended first; none while it is not worth one. */
export function dueRuns(state: State, nowMs: number, limits: DueLimits): ArchivedRun[] {
  if (state.archive.open.size >= limits.archiveOpenSegments) return [];
  const rows: ArchivedRun[] = [];
  let jobs = 0;
  for (const run of endedRuns(state)) {
    const ageMs = nowMs - endOf(run);
    const isCrowded = state.jobs.size - jobs > limits.archiveHotJobs;
    if (ageMs < (isCrowded ? limits.archiveRestMs : limits.archiveAfterMs)) break;
    const row = archivable(state, run.id);
    // A job of it waits for somebody's decision.
    if (typeof row === "string") continue;
    // Until agents have removed what its attempts may have left: the archive is not looked at for that.
    if (ageMs < limits.archiveOwingMs && row.jobs.some(mayHaveLeft)) continue;
    if (rows.length > 0 && jobs + row.jobs.length > limits.archiveSegmentJobs) break;
    rows.push(row);
    jobs += row.jobs.length;
    if (rows.length === limits.archiveSegmentRuns) break;
  }
  return rows;
}

/** The last segment that is past its time, and all before it are; null: none is. */
export function dueSegment(state: State, nowMs: number, retentionMs: number): number | null {
  const { first, count, segments, open } = state.archive;
  let due: number | null = null;
  for (let number = first; number <= count; number += 1) {
    const key = String(number);
    const lastEndedMs = segments.get(key)?.lastEndedMs ?? Infinity;
    if (open.has(key) || nowMs - lastEndedMs <= retentionMs) return due;
    due = number;
  }
  return due;
}

function endedRuns(state: State): Run[] {
  return [...state.runs.values()].filter((run) => run.state !== "running")
    .sort((a, b) => endOf(a) - endOf(b) || (a.id < b.id ? -1 : 1));
}

function endOf(run: Run): number {
  return run.endedMs ?? run.createdMs;
}
