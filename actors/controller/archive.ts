/**
 * The reducer of the archive. Ended runs leave the hot state in two steps: `archiveRuns` cuts a segment
 * and puts its rows aside, where snapshots still carry them; `sealSegment` lets go of the rows once the
 * segment is on the disks of most controllers. So no member can lose them, whenever it crashes.
 */

import { FINAL_STATES, type Job } from "../job/record.ts";
import { type Applied, refuse } from "./applied.ts";
import type { Command } from "./commands.ts";
import type { ArchivedRun, ArchiveState, Run, SegmentRecord, State } from "./state.ts";

type Archiving = Command & { type: "archiveRuns" | "sealSegment" | "dropSegments" };

/** The state after a command about the archive. */
export function applyArchive(state: State, command: Archiving): Applied {
  switch (command.type) {
    case "archiveRuns":
      return archiveRuns(state, command);
    case "sealSegment":
      return sealSegment(state, command);
    case "dropSegments":
      return dropSegments(state, command.through);
  }
}

/** A run with its jobs, if it may go to the archive; or why not. */
export function archivable(state: State, runId: string): ArchivedRun | string {
  const run = state.runs.get(runId);
  if (run === undefined) return `no run ${runId}`;
  if (run.state === "running") return `run ${runId} has not ended`;
  const jobs: Job[] = [];
  for (const jobId of [...run.jobs.values()].sort()) {
    const job = state.jobs.get(jobId);
    if (job === undefined) return `no job ${jobId} of run ${runId}`;
    if (!FINAL_STATES.has(job.state)) return `job ${jobId} of run ${runId} is ${job.state}`;
    jobs.push(job);
  }
  return { run, jobs };
}

/** The highest version of a run and its jobs: what changes with any of them. */
export function versionOf({ run, jobs }: ArchivedRun): number {
  return jobs.reduce((highest, job) => Math.max(highest, job.version), run.version);
}

function archiveRuns(state: State, command: Archiving & { type: "archiveRuns" }): Applied {
  const { archive } = state;
  if (command.previous !== archive.root) {
    return refuse(state, `archive: segment ${archive.count} is another one than was thought`);
  }
  const rows: ArchivedRun[] = [];
  for (const { runId, version } of command.runs) {
    const row = archivable(state, runId);
    if (typeof row === "string") return refuse(state, `archive: ${row}`);
    if (versionOf(row) !== version) return refuse(state, `archive: run ${runId} has changed`);
    rows.push(row);
  }
  if (new Set(rows.map(({ run }) => run.id)).size < rows.length) {
    return refuse(state, "archive: a run is named twice");
  }
  const number = archive.count + 1;
  const record = recordOf(state, number, command, rows);
  const next: ArchiveState = {
    ...archive,
    count: number,
    root: command.hash,
    segments: archive.segments.set(String(number), record),
    open: archive.open.set(String(number), rows),
  };
  return changed({ ...without(state, rows), archive: next });
}

function recordOf(
  { index, nowMs: cutMs }: State,
  number: number,
  { hash, previous }: Archiving & { type: "archiveRuns" },
  rows: readonly ArchivedRun[],
): SegmentRecord {
  const jobs = rows.reduce((sum, row) => sum + row.jobs.length, 0);
  const lastEndedMs = rows.reduce((last, { run }) => Math.max(last, endOf(run)), 0);
  return { number, hash, previous, runs: rows.length, jobs, index, cutMs, lastEndedMs };
}

function endOf(run: Run): number {
  return run.endedMs ?? run.createdMs;
}

/** Final jobs ask nothing of the agents: the load stays as it is. */
function without(state: State, rows: readonly ArchivedRun[]): State {
  let { runs, jobs } = state;
  for (const row of rows) {
    runs = runs.delete(row.run.id);
    for (const job of row.jobs) jobs = jobs.delete(job.id);
  }
  return { ...state, runs, jobs };
}

function sealSegment(state: State, { number, hash }: Archiving & { type: "sealSegment" }): Applied {
  const { archive } = state;
  const key = String(number);
  if (archive.segments.get(key)?.hash !== hash || !archive.open.has(key)) {
    return refuse(state, `archive: segment ${number} with that hash is not open`);
  }
  return changed({ ...state, archive: { ...archive, open: archive.open.delete(key) } });
}

function dropSegments(state: State, through: number): Applied {
  const { archive } = state;
  if (through < archive.first || through > archive.count) {
    return refuse(state, `archive: no segment ${through}, there are ${span(archive)}`);
  }
  let { segments } = archive;
  for (let number = archive.first; number <= through; number += 1) {
    if (archive.open.has(String(number))) {
      return refuse(state, `archive: segment ${number} is not sealed yet`);
    }
    segments = segments.delete(String(number));
  }
  return changed({ ...state, archive: { ...archive, first: through + 1, segments } });
}

function span({ first, count }: ArchiveState): string {
  return first > count ? "none" : `${first} to ${count}`;
}

function changed(state: State): Applied {
  return { state, effects: [{ type: "archiveChanged" }], refused: [] };
}
