/** Spaces out the progress of each job; pure: time is given. */

import type { LiveEvent } from "../../actors/desk/messages.ts";
import type { LiveLimits } from "./limits.ts";

/** An observation of a running job. */
export type ProgressEvent = Extract<LiveEvent, { type: "progress" }>;

interface Spaced {
  readonly passedMs: number;
  readonly pending: ProgressEvent | null;
}

/** The newest observation of a job waits until the job may speak again; older ones are dropped. */
export class ProgressGate {
  readonly #limits: LiveLimits;
  /** In the order in which they last spoke. */
  readonly #jobs = new Map<string, Spaced>();
  #pending = 0;

  constructor(limits: LiveLimits) {
    this.#limits = limits;
  }

  /** Whether {@link due} has to be asked later. */
  get hasPending(): boolean {
    return this.#pending > 0;
  }

  /** The event where it may pass at once; null where it waits, in the place of the one before. */
  offer(event: ProgressEvent, nowMs: number): ProgressEvent | null {
    const known = this.#jobs.get(event.jobId);
    if (known !== undefined && nowMs - known.passedMs < this.#limits.progressMs) {
      if (known.pending === null) this.#pending += 1;
      this.#jobs.set(event.jobId, { passedMs: known.passedMs, pending: event });
      return null;
    }
    this.#passed(event.jobId, nowMs);
    return event;
  }

  /** What may pass by now. */
  due(nowMs: number): ProgressEvent[] {
    const due: ProgressEvent[] = [];
    for (const [jobId, { passedMs, pending }] of this.#jobs) {
      if (nowMs - passedMs < this.#limits.progressMs) break;
      if (pending === null) this.#jobs.delete(jobId);
      else due.push(pending);
    }
    for (const { jobId } of due) this.#passed(jobId, nowMs);
    return due;
  }

  /** The job's state has changed: what was observed before that is old. */
  forget(jobId: string): void {
    const known = this.#jobs.get(jobId);
    if (known === undefined || known.pending === null) return;
    this.#pending -= 1;
    this.#jobs.set(jobId, { passedMs: known.passedMs, pending: null });
  }

  #passed(jobId: string, nowMs: number): void {
    this.#remove(jobId);
    this.#jobs.set(jobId, { passedMs: nowMs, pending: null });
    if (this.#jobs.size <= this.#limits.progressJobs) return;
    const oldest = this.#jobs.keys().next().value;
    if (oldest !== undefined) this.#remove(oldest);
  }

  #remove(jobId: string): void {
    if ((this.#jobs.get(jobId)?.pending ?? null) !== null) this.#pending -= 1;
    this.#jobs.delete(jobId);
  }
}
