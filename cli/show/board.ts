/** How the transfers of one run stand, as far as people are shown: fed by the run, read by displays. */

import type { ErrorData } from "../../runtime/base/errors.ts";
import type { Progress } from "../../actors/job/meter.ts";
import type { Job, JobState, Receipt } from "../../actors/job/record.ts";

/** A job's state, or that of a transfer that is not a job (yet). */
export type ShownState = JobState | "waiting" | "skipped";

/** One transfer; a new value with every change. */
export interface Row {
  readonly name: string;
  readonly jobId: string | null;
  readonly state: ShownState;
  readonly why: string;
  readonly attempts: number;
  readonly retryAtMs: number | null;
  readonly destination: string | null;
  readonly error: ErrorData | null;
  readonly receipt: Receipt | null;
  /** When this process saw the attempt begin, wall clock. */
  readonly leasedMs: number | null;
  /** Of the running or paused attempt; `null` while there is none. */
  readonly progress: Progress | null;
}

/** Of a job, what a board shows: a record of the state has it, and what a gateway tells of one. */
export interface ShownJob
  extends Pick<Job, "id" | "state" | "why" | "attempts" | "retryAtMs" | "error" | "receipt"> {
  readonly spec: { readonly name: string; readonly destination: { readonly uri: string } };
}

/** Counts over all transfers. */
export interface Totals {
  readonly transfers: number;
  readonly succeeded: number;
  readonly failed: number;
  readonly skipped: number;
  readonly running: number;
  /** Of the files, as far as they have arrived. */
  readonly doneBytes: number;
  /** Of the files that are being moved or have arrived. */
  readonly knownBytes: number;
  readonly bytesPerSecond: number;
}

/** States in which bytes may be moving. */
const ACTIVE: ReadonlySet<ShownState> = new Set(["assigned", "running", "verifying", "publishing"]);
const FAILED: ReadonlySet<ShownState> = new Set(["failed", "unknown", "cancelled"]);

/** Whether an attempt is under way. */
export function isActive(row: Row): boolean {
  return ACTIVE.has(row.state);
}

/** Whether it has ended, or waits for a person, without success. */
export function isFailed(row: Row): boolean {
  return FAILED.has(row.state);
}

/** Where the file was published; the policy `rename` may have chosen a name beside the declared one. */
export function publishedUri({ receipt, destination }: Row): string | null {
  if (receipt === null || destination === null) return null;
  if (receipt.files !== undefined) return destination;
  return destination.slice(0, destination.lastIndexOf("/") + 1) + encodeURIComponent(receipt.name);
}

function hasProgress(state: JobState): boolean {
  return ACTIVE.has(state) || state === "paused";
}

/** See the file's comment. Reading the totals takes time by the running transfers only. */
export class Board {
  readonly #rows = new Map<string, Row>();
  readonly #active = new Set<string>();
  #succeeded = 0;
  #failed = 0;
  #skipped = 0;
  #arrivedBytes = 0;

  constructor(names: Iterable<string>) {
    for (const name of names) this.#rows.set(name, waiting(name));
  }

  row(name: string): Row | undefined {
    return this.#rows.get(name);
  }

  /** In declared order. */
  rows(): Iterable<Row> {
    return this.#rows.values();
  }

  /** Transfers with an attempt under way, longest first. */
  active(): Row[] {
    return [...this.#active].map((name) => this.#rows.get(name)).filter((row) => row !== undefined);
  }

  /** Takes a job's new record, seen at `nowMs`; the transfer before and after. */
  change(job: ShownJob, nowMs: number): { before: Row; after: Row } {
    const before = this.#rows.get(job.spec.name) ?? waiting(job.spec.name);
    const after: Row = {
      name: job.spec.name,
      jobId: job.id,
      state: job.state,
      why: job.why,
      attempts: job.attempts,
      retryAtMs: job.retryAtMs,
      destination: job.spec.destination.uri,
      error: job.error,
      receipt: job.receipt,
      leasedMs: before.attempts === job.attempts ? before.leasedMs : nowMs,
      progress: before.attempts === job.attempts && hasProgress(job.state) ? before.progress : null,
    };
    this.#put(before, after);
    return { before, after };
  }

  /** Takes an observation; `null` if it is of an attempt that has ended. */
  observe(name: string, progress: Progress): Row | null {
    const before = this.#rows.get(name);
    if (before === undefined || !isActive(before)) return null;
    const after = { ...before, progress };
    this.#rows.set(name, after);
    return after;
  }

  /** A transfer that will never be a job; `null` if that was known. */
  skip(name: string, why: string, failed: boolean): Row | null {
    const before = this.#rows.get(name) ?? waiting(name);
    if (before.state !== "waiting") return null;
    const error = failed
      ? { code: "notStarted", message: why, retryable: false, definite: true }
      : null;
    const after: Row = { ...before, state: failed ? "failed" : "skipped", why, error };
    this.#put(before, after);
    return after;
  }

  totals(): Totals {
    let doneBytes = this.#arrivedBytes;
    let knownBytes = this.#arrivedBytes;
    let bytesPerSecond = 0;
    for (const { progress } of this.active()) {
      doneBytes += progress?.doneBytes ?? 0;
      knownBytes += progress?.totalBytes ?? progress?.doneBytes ?? 0;
      bytesPerSecond += progress?.bytesPerSecond ?? 0;
    }
    return {
      transfers: this.#rows.size,
      succeeded: this.#succeeded,
      failed: this.#failed,
      skipped: this.#skipped,
      running: this.#active.size,
      doneBytes,
      knownBytes,
      bytesPerSecond,
    };
  }

  #put(before: Row, after: Row): void {
    this.#rows.set(after.name, after);
    this.#count(before, -1);
    this.#count(after, 1);
    if (!isActive(after)) this.#active.delete(after.name);
    else this.#active.add(after.name);
  }

  #count(row: Row, by: 1 | -1): void {
    if (row.state === "succeeded") this.#succeeded += by;
    if (row.state === "skipped") this.#skipped += by;
    if (isFailed(row)) this.#failed += by;
    if (row.state === "succeeded") this.#arrivedBytes += by * (row.receipt?.bytes ?? 0);
  }
}

function waiting(name: string): Row {
  return {
    name,
    jobId: null,
    state: "waiting",
    why: "waiting for its turn",
    attempts: 0,
    retryAtMs: null,
    destination: null,
    error: null,
    receipt: null,
    leasedMs: null,
    progress: null,
  };
}
