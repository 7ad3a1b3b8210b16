/** How jobs look to the workflow they belong to: states and results of its steps. */

import type { StepResult, StepState } from "../../workflows/plan.ts";
import type { Run } from "../controller/state.ts";
import type { Job, JobState, Receipt } from "../job/record.ts";

const STEP_STATE: Readonly<Record<JobState, StepState>> = {
  submitted: "running",
  queued: "running",
  assigned: "running",
  running: "running",
  verifying: "running",
  publishing: "running",
  retrying: "running",
  paused: "running",
  succeeded: "succeeded",
  failed: "failed",
  cancelled: "cancelled",
  // Somebody has to decide; until then nothing may build on it.
  unknown: "failed",
};

/** How every transfer of a run stands, as the replicated state tells it. */
export function stepStates(
  run: Run,
  jobOf: (jobId: string) => Job | undefined,
): Map<string, StepState> {
  const states = new Map<string, StepState>();
  for (const [name, jobId] of run.jobs) {
    const job = jobOf(jobId);
    if (job !== undefined) states.set(name, STEP_STATE[job.state]);
  }
  for (const [name, { failed }] of run.skipped) states.set(name, failed ? "failed" : "skipped");
  return states;
}

/** Whether a job has ended, or waits for a decision. */
export function hasSettled(job: Job): boolean {
  return STEP_STATE[job.state] !== "running";
}

/** The state in which a settled job leaves its step. */
export function settledState(job: Job): Exclude<StepState, "waiting" | "running"> {
  const state = STEP_STATE[job.state];
  return state === "waiting" || state === "running" ? "failed" : state;
}

/** What later transfers may know of a settled job. */
export function stepResult(job: Job): StepResult {
  const { receipt, error, spec } = job;
  return {
    state: settledState(job),
    checksum: receipt?.sha256 ?? null,
    bytes: receipt?.bytes ?? null,
    uri: receipt === null ? null : publishedUri(spec.destination.uri, receipt),
    durationMs: receipt === null ? null : receipt.endedMs - receipt.startedMs,
    error: error === null ? null : { code: error.code, message: error.message },
  };
}

/** Where a job has published: its file, or the directory of a set. */
export function publishedUri(destination: string, { name, files }: Receipt): string {
  return files === undefined ? siblingUri(destination, name) : destination;
}

/** The URI of a file of this name beside `uri`. */
export function siblingUri(uri: string, name: string): string {
  return uri.slice(0, uri.lastIndexOf("/") + 1) + encodeURIComponent(name);
}

/** A transfer that did not run. */
export function skippedResult(why: string, failed: boolean): StepResult {
  const error = failed ? { code: "notStarted", message: why } : null;
  const state = failed ? "failed" : "skipped";
  return { state, checksum: null, bytes: null, uri: null, durationMs: null, error };
}
