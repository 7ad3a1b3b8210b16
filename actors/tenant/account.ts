/** What a tenant's jobs come to: counted from the state, and from what is committed after that. */

import { FINAL_STATES, type Job } from "../job/record.ts";

/** The account of one tenant. */
export class Account {
  readonly ended: Record<string, number> = {};
  bytes = 0;
  fetchedBytes = 0;
  sinceMs: number | null = null;

  /** A job as it is when the account is opened, or when it has just ended; each job ends once. */
  count(job: Job): void {
    this.sinceMs = Math.min(this.sinceMs ?? Infinity, job.submittedMs);
    if (!FINAL_STATES.has(job.state)) return;
    this.ended[job.state] = (this.ended[job.state] ?? 0) + 1;
    // An equal file that was there already has cost nothing.
    if (job.receipt === null || job.receipt.outcome === "skipped") return;
    this.bytes += job.receipt.bytes;
    this.fetchedBytes += job.receipt.fetchedBytes;
  }
}
