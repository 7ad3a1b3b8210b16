/**
 * Reports that come twice: an agent repeats a report until it is answered, so the same one may be
 * committed again. What was taken for certain is answered as taken and changes nothing.
 */

import type { JobEvent } from "./lifecycle.ts";
import { type Job, type JobState, type Lease, sameLease, temporaryName } from "./record.ts";

/** How far a leased job is: a phase that has passed was told already. */
const STEPS: readonly JobState[] = ["running", "verifying", "publishing"];

/** Whether this very event was taken before, for certain. */
export function isRepeated(job: Job, event: JobEvent): boolean {
  switch (event.type) {
    case "phase":
      return sameLease(job.lease, event.lease) &&
        STEPS.indexOf(job.state) >= STEPS.indexOf(event.phase);
    case "grant":
      return job.state === "publishing" && sameLease(job.lease, event.lease) &&
        isEqual(job.grant, event.grant);
    case "notPublished":
      // It speaks of a grant that is over; another one may be under way by now.
      return sameLease(job.lease, event.lease) && event.finalName !== undefined &&
        job.grant?.finalName !== event.finalName;
    case "succeed":
      // A receipt counts the leases so far, so equal ones are of the same attempt.
      return job.state === "succeeded" && isEqual(job.receipt, event.receipt);
    case "fail":
      return isHandedBack(job, event.lease) && isEqual(job.error, event.error);
    case "ambiguous":
      return job.state === "unknown" && isHandedBack(job, event.lease) &&
        isEqual(job.error, event.error);
    case "release":
    case "handBack":
      return isHandedBack(job, event.lease);
    case "progress":
      return sameLease(job.lease, event.lease) &&
        job.progressed?.temp === event.progressed.temp &&
        job.progressed.chunks >= event.progressed.chunks;
    case "files":
      return sameLease(job.lease, event.lease) && (job.set?.batch ?? 0) >= event.batch;
    default:
      return false;
  }
}

/** The lease is over, and its holder has said that it has let go. */
function isHandedBack(job: Job, lease: Lease): boolean {
  if (sameLease(job.lease, lease)) return false;
  const own = temporaryName(job.id, lease);
  return job.adoptable.some(({ temp }) => temp === own);
}

/** Equal plain data. */
function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object") return false;
  if (one === null || other === null) return false;
  const [names, others] = [Object.keys(one), Object.keys(other)];
  return names.length === others.length &&
    names.every((name) =>
      isEqual((one as Record<string, unknown>)[name], (other as Record<string, unknown>)[name])
    );
}
