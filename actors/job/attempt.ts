/**
 * One attempt of a job, from opening its ends to its receipt (DESIGN section 7).
 *
 * The order is the promise: seize what lost leases left, probe an earlier grant, keep what was verified, move, verify, ask for
 * the grant, publish, report. Nothing is visible under the final name before the grant is committed,
 * and a failure leaves at most a temporary file that a checkpoint speaks of.
 */

import { type ErrorData, errorData } from "../../runtime/base/errors.ts";
import type { Env } from "../../runtime/env/env.ts";
import { inSpan } from "../../runtime/telemetry/spans.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { fingerprintChange } from "../../protocols/fingerprint.ts";
import { Window } from "./buffers.ts";
import { conflictBefore } from "./conflict.ts";
import { type Ends, endsOf, openEnds, openSink } from "./ends.ts";
import { JobError } from "./errors.ts";
import { heldToRates } from "./held.ts";
import type { JobEvent } from "./lifecycle.ts";
import type { Meter } from "./meter.ts";
import { type PipelineResult, runPipeline } from "./pipeline.ts";
import { probeGrant, publish } from "./publish.ts";
import type { Job, Lease } from "./record.ts";
import { regulatedRanges } from "./regulated_ranges.ts";
import { verifyByReading } from "./reread.ts";
import { retryAtMs } from "./retry.ts";
import { seizeStale } from "./seize.ts";
import { isRefusal, moveByService } from "./server_copy.ts";
import type { ChunkListener } from "./stages.ts";
import { quietly } from "./tidy.ts";
import { type Attempt, type AttemptTools, Elsewhere, Released } from "./tools.ts";
import { checkLevel, checkSize, compareHashes, type Verified } from "./verify.ts";
import {
  dropCheckpoint,
  dropEarlier,
  dropKept,
  keepProgress,
  openWork,
  streamInstead,
  type Work,
} from "./work.ts";

/**
 * Carries out one attempt of `job` under `lease`. What comes back is the event to commit; it never
 * rejects, but with {@link Elsewhere} where the tools say so. Abort `signal` with {@link Released} to pause or cancel: the checkpoint is kept.
 */
export async function runAttempt(
  tools: AttemptTools,
  job: Job,
  lease: Lease,
  meter: Meter,
  signal: AbortSignal,
): Promise<JobEvent> {
  const startedMs = tools.env.clock.now();
  const bound = boundInTime(tools.env, job, startedMs, signal);
  try {
    const opened = await endsOfAttempt(tools, job, lease, bound.signal);
    const ends = heldToRates(opened, tools, job, lease);
    try {
      const window = new Window(tools.buffers, job.spec.pipeline.windowBytes);
      return await carryOut({
        tools,
        job,
        lease,
        ends,
        window,
        meter,
        signal: bound.signal,
        startedMs,
      });
    } finally {
      await quietly(tools, "close the ends", () => ends.close());
    }
  } catch (error) {
    if (error instanceof Elsewhere && !bound.signal.aborted) throw error;
    return ended(tools, job, lease, bound.signal, error);
  } finally {
    bound.cancel();
  }
}

/** Its ends; the source is another agent's where the lease names one that reads. */
async function endsOfAttempt(
  tools: AttemptTools,
  job: Job,
  { reader }: Lease,
  signal: AbortSignal,
): Promise<Ends> {
  if (reader === undefined) return await openEnds(job.spec, tools);
  if (tools.relaying === undefined) {
    throw new JobError("relayLost", `agent ${reader} was to read for one that knows no relays`);
  }
  const sink = await openSink(job.spec, tools);
  try {
    return endsOf(await tools.relaying.source(job, signal), sink);
  } catch (thrown) {
    await quietly(tools, "close the destination", () => sink.close());
    throw thrown;
  }
}

async function carryOut(attempt: Attempt): Promise<JobEvent> {
  await seizeStale(attempt);
  const decided = await probeGrant(attempt) ?? await conflictBefore(attempt);
  if (decided !== null) {
    if (decided.type === "succeed") {
      await quietly(attempt.tools, "remove what earlier attempts kept", () => dropEarlier(attempt));
    }
    return decided;
  }
  let work = await openWork(attempt);
  try {
    const { tracing } = attempt.tools.env;
    const moved = await inSpan(tracing, "move", async () => {
      const copied = await copiedByService(attempt, work);
      if ("level" in copied) return copied;
      work = copied;
      return await move(attempt, work);
    });
    const event = await inSpan(tracing, "publish", () => publish(attempt, work, moved));
    if (event.type === "succeed") {
      await quietly(attempt.tools, "drop a checkpoint", () => dropCheckpoint(attempt, work));
    }
    return event;
  } catch (error) {
    await quietly(
      attempt.tools,
      "keep or remove what was moved",
      () => letGo(attempt, work, error),
    );
    return ended(attempt.tools, attempt.job, attempt.lease, attempt.signal, error);
  } finally {
    await quietly(attempt.tools, "close the source", async () => await work.reader?.close());
    await quietly(attempt.tools, "close the temporary file", () => work.file.close());
  }
}

/** What the service has copied; or, where it does not, what the bytes are to stream into. */
async function copiedByService(attempt: Attempt, work: Work): Promise<Verified | Work> {
  const { copying, file, facts } = work;
  if (copying === undefined) return work;
  try {
    return await moveByService(attempt, { file, facts, copying });
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return await streamInstead(attempt, work, error);
  }
}

/** Keeps the temporary file of a failed attempt where it is worth it, else removes it. */
async function letGo(attempt: Attempt, work: Work, error: unknown): Promise<void> {
  const keep = await keepProgress(work, error);
  await quietly(attempt.tools, "close the temporary file", () => work.file.close());
  if (!keep) await dropKept(attempt, work.file.temp);
}

/** Moves what is missing and verifies the whole. */
async function move(attempt: Attempt, work: Work): Promise<Verified> {
  const { job, tools, meter } = attempt;
  const { bytes, sha256, parallel } = await fetchRest(attempt, work);
  await work.checkpointer?.assertSynced();
  meter.phase = "verifying";
  await confirmUnchanged(attempt, work, parallel);
  checkSize(job.spec.validation, bytes, "what arrived");
  let level = compareHashes(job.spec.validation, work.facts, sha256);
  if (job.spec.validation.level === "reread" && sha256 !== null) {
    await verifyByReading(attempt, work.file, bytes, sha256);
    level = "reread";
  }
  checkLevel(job.spec.validation.level, level);
  return { bytes, sha256, root: sha256 === null ? null : work.digests.root(tools.env.hash), level };
}

async function fetchRest(
  attempt: Attempt,
  work: Work,
): Promise<PipelineResult> {
  const { tools, job, window, meter, signal, ends } = attempt;
  meter.totalBytes = work.facts.fingerprint.size;
  if (work.reader === null && work.lane !== null) {
    return { bytes: work.keptBytes, sha256: await work.lane.end(), parallel: false };
  }
  if (work.reader === null) {
    throw new JobError("temporaryDamaged", "nothing to read and nothing kept");
  }
  const pipeline = {
    hash: tools.env.hash,
    hashed: job.spec.pipeline.hash,
    window,
    slotBytes: tools.buffers.slotBytes,
    chunkBytes: job.spec.pipeline.chunkBytes,
    parallelRanges:
      ends.source.capabilities.parallelRanges && ends.sink.capabilities.randomWrites &&
        ends.sink.capabilities.readBack
        ? job.spec.pipeline.parallelRanges
        : 1,
    regulate: regulatedRanges(attempt),
    chunksAhead: chunksAhead(tools, job),
    maxBytes: job.spec.validation.maxBytes,
    source: ends.source,
    file: work.file,
    digests: work.digests,
    meter,
    listener: work.checkpointer ?? NOBODY,
    times: tools.chunks,
    signal,
  };
  return await runPipeline(pipeline, work.reader, work.keptBytes, work.lane);
}

const NOBODY: ChunkListener = { chunkDone: () => {}, ready: () => Promise.resolve() };

/** Chunks ahead of the in-order hash are not kept by a checkpoint: no more than one interval of them. */
function chunksAhead(tools: AttemptTools, job: Job): number {
  const { checkpointBytes, chunksAhead: most } = tools.limits;
  return Math.max(1, Math.min(most, Math.floor(checkpointBytes / job.spec.pipeline.chunkBytes)));
}

/** The source must still be the version that was opened. */
async function confirmUnchanged(attempt: Attempt, work: Work, parallel: boolean): Promise<void> {
  if (work.reader === null) return;
  const seen = parallel
    ? (await attempt.ends.source.stat(attempt.signal)).fingerprint
    : await work.reader.confirm();
  const change = fingerprintChange(work.facts.fingerprint, seen);
  if (change === null) return;
  throw new ProtocolError("changed", `the source changed while it was read: ${change}`);
}

/** The event that a failed or interrupted attempt is. */
export function ended(
  tools: AttemptTools,
  job: Job,
  lease: Lease,
  signal: AbortSignal,
  thrown: unknown,
): JobEvent {
  const reason = signal.aborted ? signal.reason : thrown;
  if (reason instanceof Released || (signal.aborted && !(reason instanceof JobError))) {
    const why = reason instanceof Released ? reason.message : "its agent is stopping";
    return { type: "release", lease, why };
  }
  return failureOf(tools.env, job, lease, reason);
}

/** What a failed attempt reports: whether and when the next one may begin. */
export function failureOf(
  { clock, random }: Pick<Env, "clock" | "random">,
  job: Job,
  lease: Lease,
  reason: unknown,
): JobEvent & { readonly type: "fail" } {
  const error: ErrorData = errorData(reason);
  const nowMs = clock.now();
  const at = retryAtMs(job.spec.retry, job.failures + 1, error, nowMs, random.next());
  const failed = { type: "fail", lease, error, retryAtMs: at } as const;
  return at === null ? failed : { ...failed, retryInMs: at - nowMs };
}

/** The attempt's signal: the caller's, and the end of the job's whole time. */
export function boundInTime(
  env: Env,
  job: Job,
  nowMs: number,
  signal: AbortSignal,
): { signal: AbortSignal; cancel: () => void } {
  const { timeoutMs } = job.spec;
  if (timeoutMs === null) return { signal, cancel: () => {} };
  const timeout = new AbortController();
  const leftMs = Math.max(0, (job.startedMs ?? nowMs) + timeoutMs - nowMs);
  const timer = env.timers.after(leftMs, () =>
    timeout.abort(
      new JobError(
        "jobTimeout",
        `"${job.spec.name}" did not end within its timeout of ${timeoutMs} ms`,
      ),
    ));
  return {
    signal: AbortSignal.any([signal, timeout.signal]),
    cancel: () => timer.cancel(),
  };
}
