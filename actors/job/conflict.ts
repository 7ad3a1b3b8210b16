/** What an existing destination means before a byte is moved: the policies `fail` and `skip`. */

import type { DestinationFacts, SourceFacts } from "../../protocols/contract.ts";
import { JobError } from "./errors.ts";
import type { JobEvent } from "./lifecycle.ts";
import type { Receipt } from "./record.ts";
import type { Attempt } from "./tools.ts";

/** File systems and HTTP keep times to the second. */
const MTIME_TOLERANCE_MS = 1_000;

/** The end of the job if the policy already decides it; `null` to go on. */
export async function conflictBefore(attempt: Attempt): Promise<JobEvent | null> {
  const { job, ends, signal } = attempt;
  const { conflict, uri } = job.spec.destination;
  if (conflict !== "fail" && conflict !== "skip") return null;
  const existing = await ends.sink.stat(ends.sink.name, signal);
  if (existing === null) return null;
  if (conflict === "fail") {
    throw new JobError(
      "destinationExists",
      `${uri} exists and conflict is "fail": remove it, or choose overwrite, skip or rename`,
    );
  }
  return await skipIfSame(attempt, existing);
}

/** Equal by hash where one is known beforehand, else by size and time of the source. */
async function skipIfSame(
  attempt: Attempt,
  existing: DestinationFacts,
): Promise<JobEvent | null> {
  const { job, ends, signal } = attempt;
  const facts = await ends.source.stat(signal);
  const known = job.spec.validation.checksum?.valueHex ?? facts.sha256;
  if (known === null && !looksSame(facts, existing)) return null;
  // What cannot be read cannot be called the same.
  if (!ends.sink.capabilities.readBack) return null;
  const sha256 = await ends.sink.hash(ends.sink.name, signal);
  if (sha256 === null || (known !== null && sha256 !== known)) return null;
  const bytes = existing.size ?? facts.fingerprint.size;
  if (bytes === null) return null;
  return skipped(attempt, { ...existing, size: bytes }, sha256, known === null ? "size" : "source");
}

/** Same size, and the destination carries the source's time. */
export function looksSame(source: SourceFacts, existing: DestinationFacts): boolean {
  const { size, mtimeMs } = source.fingerprint;
  if (size === null || mtimeMs === null || existing.mtimeMs === null) return false;
  return size === existing.size && Math.abs(mtimeMs - existing.mtimeMs) <= MTIME_TOLERANCE_MS;
}

function skipped(
  attempt: Attempt,
  existing: DestinationFacts & { readonly size: number },
  sha256: string,
  level: Receipt["level"],
): JobEvent {
  const { job, lease, ends, tools, startedMs } = attempt;
  const receipt: Receipt = {
    outcome: "skipped",
    name: ends.sink.name,
    bytes: existing.size,
    sha256,
    root: null,
    level,
    fence: ends.sink.capabilities.fence,
    fileId: existing.fileId,
    fetchedBytes: 0,
    keptBytes: 0,
    attempts: job.attempts,
    startedMs: job.startedMs ?? startedMs,
    endedMs: tools.env.clock.now(),
  };
  return { type: "succeed", lease, receipt };
}
