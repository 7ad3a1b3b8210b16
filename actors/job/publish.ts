/** From a verified temporary file to the final name: grant, publish, and what a crash left unclear. */

import { errorData, messageOf, QuorusError } from "../../runtime/base/errors.ts";
import type { SinkFile } from "../../protocols/contract.ts";
import { JobError } from "./errors.ts";
import { candidateName, isTaken } from "./names.ts";
import type { Work } from "./work.ts";
import type { JobEvent } from "./lifecycle.ts";
import type { Grant, Receipt } from "./record.ts";
import { probe, probeTaken } from "./seize.ts";
import { quietly } from "./tidy.ts";
import { type Attempt, Released, Revoked } from "./tools.ts";
import type { Verified } from "./verify.ts";

/** Asks for the grant, publishes, and makes the receipt; another name if the policy is `rename`. */
export async function publish(attempt: Attempt, work: Work, verified: Verified): Promise<JobEvent> {
  const { job, tools } = attempt;
  attempt.meter.phase = "publishing";
  const { conflict } = job.spec.destination;
  const replace = conflict === "overwrite" || conflict === "skip";
  const candidates = conflict === "rename" ? tools.limits.renameCandidates : 1;
  const { boundTo = null } = work.file;
  let file: SinkFile | null = work.file;
  for (let n = 0; n < candidates; n++) {
    const finalName = candidateName(attempt.ends.sink.name, n);
    if (conflict === "rename") {
      if (boundTo !== null && boundTo !== finalName) continue;
      if (await isTaken(attempt, finalName)) continue;
    }
    file ??= await reopen(attempt, work.file.temp);
    const tried: SinkFile = file;
    file = null;
    try {
      const outcome = await publishAs(
        attempt,
        { ...work, file: tried },
        verified,
        finalName,
        replace,
      );
      if (outcome !== "exists") return outcome;
    } finally {
      await quietly(tools, "close the temporary file", () => tried.close());
    }
  }
  if (conflict === "rename" && boundTo !== null) throw overtaken(attempt, boundTo);
  throw new JobError(
    "destinationExists",
    `cannot publish ${job.spec.destination.uri}: ` +
      (conflict === "rename"
        ? `the first ${candidates} names like it are all taken`
        : "it appeared meanwhile; use conflict: overwrite or rename to allow that"),
  );
}

/** Its bytes are at the server under a name that is somebody else's by now: they are of no use. */
function overtaken({ job }: Attempt, boundTo: string): JobError {
  const message =
    `cannot publish ${job.spec.destination.uri}: the name ${boundTo}, for which its ` +
    "upload was begun, was taken meanwhile; it is uploaded again for another name";
  return new JobError("temporaryDamaged", message, { retryable: true });
}

/** A sink closes the file with every try to publish it. */
async function reopen(attempt: Attempt, temp: string): Promise<SinkFile> {
  const file = await attempt.ends.sink.reopen(temp, attempt.signal);
  if (file !== null) return file;
  throw new JobError("temporaryDamaged", `the finished temporary file ${temp} is gone`, {
    retryable: true,
  });
}

async function publishAs(
  attempt: Attempt,
  work: Work,
  verified: Verified,
  finalName: string,
  replace: boolean,
): Promise<JobEvent | "exists"> {
  const { job, lease, ends } = attempt;
  const grant: Grant = {
    leaseIndex: lease.index,
    temp: work.file.temp,
    finalName,
    replace,
    size: verified.bytes,
    sha256: verified.sha256,
    root: verified.root,
    fileId: work.file.fileId,
    level: verified.level,
  };
  await askForGrant(attempt, grant);
  try {
    const { preserveMtime, permissions } = job.spec.destination;
    const published = await ends.sink.publish(work.file, {
      name: finalName,
      replace,
      mtimeMs: preserveMtime ? work.facts.fingerprint.mtimeMs : null,
      mode: permissions,
    });
    return succeed(attempt, grant, "published", published.fileId, work);
  } catch (error) {
    if (error instanceof QuorusError && error.definite) {
      await giveBackGrant(attempt, grant);
      if (error.code === "exists") return "exists";
      throw condemned(error);
    }
    return await afterAmbiguity(attempt, grant, work, error);
  }
}

async function askForGrant(attempt: Attempt, grant: Grant): Promise<void> {
  const { job, lease, tools, signal } = attempt;
  signal.throwIfAborted();
  const event = { type: "grant", lease, grant } as const;
  // Nobody may know whether it was granted: then the file is what tells, and stays.
  const refused = await tools.propose({ type: "jobEvent", jobId: job.id, event })
    .catch((cause) => {
      // It was refused for certain, and not because of the lease: a file of a set.
      throw cause instanceof JobError && cause.definite ? cause : unclear(grant, cause);
    });
  if (refused.length === 0) {
    if (signal.reason instanceof Revoked) throw unclear(grant, signal.reason);
    return;
  }
  signal.throwIfAborted();
  // The job was paused, or is somebody else's: nothing has failed, and by now it may be to run again.
  throw new Released(`may not publish ${grant.finalName}: ${refused.join("; ")}`);
}

/** Before the temporary file is given up: without it a later probe could not tell any more. */
async function giveBackGrant({ job, lease, tools }: Attempt, grant: Grant): Promise<void> {
  const event = { type: "notPublished", lease, finalName: grant.finalName } as const;
  const refused = await tools.propose({ type: "jobEvent", jobId: job.id, event });
  if (refused.length > 0) throw unclear(grant, new Revoked(refused.join("; ")));
}

/** The sink failed without telling whether the file was renamed: look. */
async function afterAmbiguity(
  attempt: Attempt,
  grant: Grant,
  work: Work,
  error: unknown,
): Promise<JobEvent> {
  const seen = await probe(attempt, grant, grant.temp).catch((cause) => {
    throw unclear(grant, cause);
  });
  if (seen === "published") return succeed(attempt, grant, "recovered", grant.fileId, work);
  if (seen === "unpublished") {
    await giveBackGrant(attempt, grant);
    throw notPublished(grant, error);
  }
  return { type: "ambiguous", lease: attempt.lease, error: errorData(error) };
}

/** After a failed sync nobody knows what the disk has, and the next sync may not say so again. */
function condemned(error: QuorusError): QuorusError {
  if (error.code !== "io" && error.code !== "noSpace") return error;
  const { retryable } = error;
  return new JobError("temporaryDamaged", error.message, { retryable, cause: error });
}

function notPublished(grant: Grant, cause: unknown): JobError {
  const { retryable } = errorData(cause);
  return new JobError(
    "publishFailed",
    `cannot publish ${grant.finalName}: ${messageOf(cause)}; it was looked at and is not published`,
    { retryable, cause },
  );
}

/** The grant stays, so that the next attempt probes before it does anything else. */
function unclear(grant: Grant, cause: unknown): JobError {
  return new JobError(
    "publishUnclear",
    `publishing ${grant.finalName} failed, and so did looking whether it is there: ${
      messageOf(cause)
    }`,
    { retryable: true, definite: false, cause },
  );
}

/**
 * A grant whose receipt never came, of an earlier lease or of this one, where the attempt is begun again:
 * probed before any conflict policy (DESIGN section 7.7). `null` if it certainly was not published.
 */
export async function probeGrant(attempt: Attempt): Promise<JobEvent | null> {
  const { grant } = attempt.job;
  if (grant === null) return null;
  const seen = await probeTaken(attempt, grant);
  if (seen === "unpublished") {
    await giveBackGrant(attempt, grant);
    return null;
  }
  if (seen === "published") {
    await attempt.tools.checkpoints.drop(attempt.job.id);
    return succeed(attempt, grant, "recovered", grant.fileId);
  }
  const message = `${grant.finalName} was granted, its temporary file is gone, ` +
    "and what stands there is not it: decide whether it was published";
  const error = { code: "ambiguous", message, retryable: false, definite: false };
  return { type: "ambiguous", lease: attempt.lease, error };
}

function succeed(
  attempt: Attempt,
  grant: Grant,
  outcome: Receipt["outcome"],
  fileId: string | null,
  work: Pick<Work, "copying" | "streamedBecause"> = {},
): JobEvent {
  const { job, lease, ends, meter, tools, startedMs } = attempt;
  const receipt: Receipt = {
    outcome,
    name: grant.finalName,
    bytes: grant.size,
    sha256: grant.sha256,
    root: grant.root,
    level: grant.level,
    fence: ends.sink.capabilities.fence,
    fileId,
    fetchedBytes: meter.fetchedBytes,
    keptBytes: meter.keptBytes,
    ...(work.copying === undefined ? {} : { copiedBytes: meter.copiedBytes }),
    ...(work.streamedBecause === undefined ? {} : { streamedBecause: work.streamedBecause }),
    attempts: job.attempts,
    startedMs: job.startedMs ?? startedMs,
    endedMs: tools.env.clock.now(),
  };
  return { type: "succeed", lease, receipt };
}
