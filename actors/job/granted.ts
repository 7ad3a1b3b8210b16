/**
 * What the committed grants of a job permit (DESIGN section 7.5): checked again when a grant is asked for
 * and when a receipt comes, whatever the attempt believes.
 */

import { whyNotTallied } from "../set/taken.ts";
import type { Grant, Job, Lease, Receipt } from "./record.ts";

/** Why a lease may not publish that temporary file; null: it may. */
export function whyNotGranted(job: Job, lease: Lease, wanted: Grant): string | null {
  const { grant, id } = job;
  if (job.set !== undefined) return `grant: job ${id} is a set, whose files have grants`;
  if (job.intent !== "run") return `grant: job ${id} is to ${job.intent}`;
  if (wanted.leaseIndex !== lease.index) {
    return `grant: lease ${lease.index} of job ${id} asks for lease ${wanted.leaseIndex}`;
  }
  if (grant?.leaseIndex === wanted.leaseIndex && grant.temp !== wanted.temp) {
    return `grant: job ${id} may publish ${grant.temp} only`;
  }
  // Its writer may still be at work: such a file is seized, never published.
  if (job.stale.some(({ temp }) => temp === wanted.temp)) {
    return `grant: ${wanted.temp} of job ${id} is that of a lost lease`;
  }
  return null;
}

/** Why a receipt cannot be true, or tells of what was not permitted; null: it may be taken. */
export function whyNotReceived(job: Job, lease: Lease, receipt: Receipt): string | null {
  const { grant, id } = job;
  if (job.set !== undefined) return whyNotTallied(id, job.set, receipt);
  if (receipt.outcome === "skipped") {
    return grant === null ? null : `succeed: job ${id} may have published ${grant.finalName}`;
  }
  if (grant === null) return `succeed: job ${id} has no grant`;
  if (receipt.outcome === "published" && grant.leaseIndex !== lease.index) {
    return `succeed: the grant of job ${id} is of lease ${grant.leaseIndex}, not ${lease.index}`;
  }
  const { finalName, size, sha256 } = grant;
  if (receipt.name === finalName && receipt.bytes === size && receipt.sha256 === sha256) {
    return null;
  }
  return `succeed: the grant of job ${id} is for ${size} bytes as ${finalName}, ` +
    `the receipt tells of ${receipt.bytes} as ${receipt.name}`;
}
