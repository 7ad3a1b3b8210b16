/**
 * Jobs that have ended, and whose attempts may have left temporary files: the state keeps their names, and
 * no attempt comes any more that would remove them. Each is looked for once the job has rested, and once
 * more where a writer was never proved gone, since it may have made its file after the first look.
 */

import type { LimitValues } from "../../runtime/base/limits.ts";
import { FINAL_STATES, type Job, mayHaveLeft } from "../job/record.ts";
import type { FLEET_LIMITS } from "./limits.ts";

/** The limits that decide when. */
export type SweepLimits = Pick<
  LimitValues<typeof FLEET_LIMITS>,
  | "sweepRestMs"
  | "sweepKeepMs"
  | "sweepAgainMs"
  | "sweepPauseMs"
  | "sweepPauseMostMs"
  | "sweepTries"
>;

interface Owing {
  readonly job: Job;
  dueMs: number;
  /** Looks that have failed, one after the other. */
  failures: number;
  isUnderWay: boolean;
  /** When to look once more; null: this is the last look. */
  againMs: number | null;
}

/** See the head of this file. Times are those of a monotonic clock. */
export class Leftovers {
  readonly #limits: SweepLimits;
  readonly #owing = new Map<string, Owing>();

  constructor(limits: SweepLimits) {
    this.#limits = limits;
  }

  /** Jobs that were not looked after for the last time. */
  get size(): number {
    return this.#owing.size;
  }

  /** A job is like this; one that has ended, and may have left something, is taken in. */
  note(job: Job, nowMs: number): void {
    if (!FINAL_STATES.has(job.state) || !mayHaveLeft(job) || this.#owing.has(job.id)) return;
    const { sweepRestMs, sweepKeepMs, sweepAgainMs } = this.#limits;
    // What was cancelled is not wanted any more.
    const restMs = job.state === "failed" ? sweepKeepMs : sweepRestMs;
    this.#owing.set(job.id, {
      job,
      dueMs: nowMs + restMs,
      failures: 0,
      isUnderWay: false,
      againMs: job.stale.length > 0 ? nowMs + Math.max(restMs, sweepAgainMs) : null,
    });
  }

  /** Another job has taken over what it had left. */
  forget(jobId: string): void {
    this.#owing.delete(jobId);
  }

  /** What is due, at most so many; each is under way until it is `done` or has `failed`. */
  take(nowMs: number, most: number): { readonly job: Job; readonly tries: number }[] {
    const due: { job: Job; tries: number }[] = [];
    for (const owing of this.#owing.values()) {
      if (due.length >= most) break;
      if (owing.isUnderWay || owing.dueMs > nowMs) continue;
      owing.isUnderWay = true;
      due.push({ job: owing.job, tries: owing.failures });
    }
    return due;
  }

  /** Nothing of it is there any more. */
  done(jobId: string): void {
    const owing = this.#owing.get(jobId);
    if (owing === undefined) return;
    if (owing.againMs === null) return void this.#owing.delete(jobId);
    owing.dueMs = owing.againMs;
    owing.againMs = null;
    owing.failures = 0;
    owing.isUnderWay = false;
  }

  /** Nobody could look. False: it was tried often enough, and is given up. */
  failed(jobId: string, nowMs: number): boolean {
    const owing = this.#owing.get(jobId);
    if (owing === undefined) return true;
    const { sweepPauseMs, sweepPauseMostMs, sweepTries } = this.#limits;
    owing.isUnderWay = false;
    owing.dueMs = nowMs + Math.min(sweepPauseMostMs, sweepPauseMs * 2 ** owing.failures);
    owing.failures += 1;
    if (owing.failures < sweepTries) return true;
    this.#owing.delete(jobId);
    return false;
  }
}
