/** What an attempt has in hand once bytes can flow: a source version, a temporary file, kept chunks. */

import { QuorusError } from "../../runtime/base/errors.ts";
import type { HashLane } from "../../runtime/env/env.ts";
import type {
  Fingerprint,
  ServerCopy,
  SinkFile,
  SourceFacts,
  SourceReader,
} from "../../protocols/contract.ts";
import { adopt, type Adopted, isResumable, whyUseless } from "./adopt.ts";
import { adoptUnread } from "./adopt_unread.ts";
import type { Checkpoint } from "./checkpoint.ts";
import { Checkpointer, type Keeping } from "./checkpointer.ts";
import { copyProved, provedAt } from "./copy.ts";
import { CopyKeeper } from "./copy_keeper.ts";
import { ChunkDigests } from "./digests.ts";
import { JobError } from "./errors.ts";
import { likelyName } from "./names.ts";
import { type Job, type Lease, type Progressed, temporaryName } from "./record.ts";
import { progressReporter } from "./replicate.ts";
import { seizedName } from "./seize.ts";
import {
  assertMayStream,
  type Copying,
  type HowToMove,
  howToMove,
  refusalText,
} from "./server_copy.ts";
import { quietly } from "./tidy.ts";
import { type Attempt, Elsewhere } from "./tools.ts";
import { checkSize } from "./verify.ts";

/** One temporary file being filled. */
export interface Work {
  readonly facts: SourceFacts;
  /** Open at `keptBytes`; `null` if all bytes were kept. */
  readonly reader: SourceReader | null;
  readonly file: SinkFile;
  readonly keptBytes: number;
  /** Has been fed the kept bytes; `null` if there are none. */
  readonly lane: HashLane | null;
  readonly digests: ChunkDigests;
  /** `null` where the source cannot be resumed: then checkpoints would be of no use. */
  readonly checkpointer: Checkpointer | null;
  /** The service fills the file; absent: the bytes stream. */
  readonly copying?: Copying;
  /** Why they do, where both ends are of one service that could copy. */
  readonly streamedBecause?: string;
}

/** Errors after which kept bytes cannot be trusted or are of no use. */
const CONDEMNING: ReadonlySet<string> = new Set([
  "changed",
  "checksumMismatch",
  "rangeNotSupported",
  "serverCopyUnavailable",
  "sizeRefused",
  "temporaryDamaged",
  "tooLong",
]);

/** Goes on with what an earlier attempt kept, or starts anew. */
export async function openWork(attempt: Attempt): Promise<Work> {
  const { tools, job, lease } = attempt;
  // A first attempt of a first run has no checkpoint; looking would open the store for nothing.
  const checkpoint = isFirst(job, lease) ? null : await ownCheckpoint(attempt);
  await removeEarlier(attempt, [checkpoint?.temp, provedAt(attempt)]);
  const resumed = checkpoint === null ? null : await resume(attempt, checkpoint);
  const work = resumed ?? await copied(attempt) ?? await beginAnew(attempt);
  await quietly(tools, "remove what was seized", async () => {
    await removeSeized(attempt, work.file.temp);
    if (job.goesOnWith !== undefined) await tools.checkpoints.drop(job.goesOnWith);
  });
  return work;
}

/**
 * The checkpoint of this agent; only one whose writer is proved gone may be gone on with: its lease was
 * given back or, of an earlier execution whose jobs this state does not know, its process has ended, since
 * this one holds the folder.
 */
async function ownCheckpoint({ tools, job, lease }: Attempt): Promise<Checkpoint | null> {
  const checkpoint = await tools.checkpoints.load(job.id);
  if (checkpoint === null) return null;
  const isEarlier = (checkpoint.lease?.epoch ?? 0) < lease.epoch;
  if (isEarlier || job.adoptable.some(({ temp }) => temp === checkpoint.temp)) return checkpoint;
  await tools.checkpoints.drop(job.id);
  return null;
}

function isFirst(job: Job, lease: Lease): boolean {
  return job.attempts <= 1 && lease.epoch <= 1;
}

/** For a job that ends without moving anything: nothing that was kept is of use any more. */
export async function dropEarlier(attempt: Attempt): Promise<void> {
  const { tools, job, lease } = attempt;
  if (isFirst(job, lease)) return;
  await removeEarlier(attempt, []);
  await removeSeized(attempt, null);
  const checkpoint = await tools.checkpoints.load(job.id);
  if (checkpoint !== null) await dropKept(attempt, checkpoint.temp);
}

/** Removes what earlier attempts left, whose writers are proved gone, except what is kept. */
async function removeEarlier(
  { job, ends }: Attempt,
  kept: readonly (string | null | undefined)[],
): Promise<void> {
  for (const { temp } of job.adoptable) if (!kept.includes(temp)) await ends.sink.abort(temp);
}

/** Removes what was seized, by this attempt or an earlier one, and what was copied from. */
async function removeSeized({ job, ends }: Attempt, kept: string | null): Promise<void> {
  const copied = job.progressed?.temp ?? null;
  for (const { temp } of job.adoptable) {
    if (temp === copied && temp !== kept) await ends.sink.abort(temp);
  }
  if (ends.sink.capabilities.fence !== "seize") return;
  const lost = new Set([...job.stale, ...job.adoptable].map(({ temp }) => seizedName(temp)));
  for (const temp of lost) await ends.sink.abort(temp);
}

/** Goes on with what a lost attempt had verified, in a new file; `null` if nothing is proved. */
async function copied(attempt: Attempt): Promise<Work | null> {
  const progressed = await provedPrefix(attempt);
  const name = provedAt(attempt, progressed);
  if (name === null || progressed === null) return null;
  const facts = await attempt.ends.source.stat(attempt.signal);
  announcedSizeFits(attempt, facts);
  if (whyUseless(progressed, facts) !== null) return null;
  const copy = await copyProved(attempt, name, progressed);
  return copy === null ? null : await goOn(attempt, progressed.fingerprint, facts, copy, 0);
}

/** What is proved of a file that is copied from: by the replicated checkpoint, or one of this agent. */
async function provedPrefix({ job, tools }: Attempt): Promise<Progressed | null> {
  const { goesOnWith, progressed } = job;
  const own = goesOnWith === undefined ? null : await tools.checkpoints.load(goesOnWith);
  if (own === null || !job.stale.some(({ temp }) => temp === own.temp)) return progressed;
  const { temp, chunkBytes, fingerprint, digests } = own;
  const chunks = digests.contiguous();
  if (chunks <= (progressed?.chunks ?? 0)) return progressed;
  digests.cut(chunks);
  return {
    leaseIndex: 0,
    temp,
    chunkBytes,
    chunks,
    root: digests.root(tools.env.hash),
    fingerprint,
  };
}

/** By a copy of the service, where it makes one and the declared verification allows it. */
async function beginAnew(attempt: Attempt): Promise<Work> {
  const { ends, job, lease, signal, meter } = attempt;
  if (ends.serverCopy === null || "whyNot" in ends.serverCopy) {
    return await begin(attempt, ends.serverCopy?.whyNot ?? null);
  }
  const facts = await ends.source.stat(signal);
  // There is nothing to copy, whatever was declared.
  if (facts.fingerprint.size === 0) return await begin(attempt, null, true);
  const how = chosenMove(attempt, facts);
  if ("why" in how) return await begin(attempt, how.why);
  announcedSizeFits(attempt, facts);
  meter.keptBytes = 0;
  const { size } = facts.fingerprint;
  const named = await likelyName(attempt);
  const file = await ends.sink.create(temporaryName(job.id, lease), signal, size, named);
  return copyWork(attempt, facts, file, how.copy, 0);
}

function chosenMove({ ends, job }: Attempt, source: SourceFacts): HowToMove {
  const { serverCopy: way, sink } = ends;
  return howToMove({ spec: job.spec, source, sink: sink.capabilities, way });
}

function copyWork(
  attempt: Attempt,
  facts: SourceFacts,
  file: SinkFile,
  copy: ServerCopy,
  fromBytes: number,
): Work {
  const { ends } = attempt;
  const keeper = !copy.resumes || !ends.sink.capabilities.resume ? null : new CopyKeeper({
    ...keepingOf(attempt, facts, file),
    storedBytes: fromBytes,
  });
  return {
    ...{ facts, file, reader: null, lane: null, keptBytes: fromBytes, checkpointer: null },
    digests: new ChunkDigests(),
    copying: { copy, fromBytes, keeper },
  };
}

/** After a refusal of the service: the same attempt, with the bytes through here. */
export async function streamInstead(
  attempt: Attempt,
  work: Work,
  refusal: QuorusError,
): Promise<Work> {
  const { tools } = attempt;
  const why = refusalText(refusal);
  assertMayStream(attempt, why);
  tools.env.log.write("warn", "the service refused to copy: the bytes stream", {
    why: refusal.message,
  });
  await work.copying?.keeper?.settled();
  await work.file.close();
  await dropKept(attempt, work.file.temp);
  attempt.meter.copiedBytes = 0;
  return await begin(attempt, why, true);
}

async function begin(attempt: Attempt, why: string | null, isSaid = false): Promise<Work> {
  if (!isSaid) assertMayStream(attempt, why);
  if (!isSaid && why !== null) {
    attempt.tools.env.log.write("debug", "the service does not copy: the bytes stream", { why });
  }
  const { ends, job, lease, meter, signal } = attempt;
  meter.keptBytes = 0;
  // The source first: a source that is not there leaves nothing behind.
  const reader = await ends.source.open({ start: 0, end: null }, null, signal);
  try {
    announcedSizeFits(attempt, reader.facts);
    const { size } = reader.facts.fingerprint;
    const file = await ends.sink.create(
      temporaryName(job.id, lease),
      signal,
      size,
      await likelyName(attempt),
    );
    const digests = new ChunkDigests();
    const checkpointer = checkpointerFor(attempt, reader.facts, file, digests, 0);
    const { facts } = reader;
    const work = { facts, reader, file, keptBytes: 0, lane: null, digests, checkpointer };
    return why === null ? work : { ...work, streamedBecause: why };
  } catch (error) {
    await reader.close();
    throw error;
  }
}

/** `null` if there is nothing to go on with. */
async function resume(attempt: Attempt, checkpoint: Checkpoint): Promise<Work | null> {
  const { tools, job, ends, signal } = attempt;
  const facts = await ends.source.stat(signal);
  announcedSizeFits(attempt, facts);
  if (
    whyUseless(checkpoint, facts) !== null || checkpoint.chunkBytes !== job.spec.pipeline.chunkBytes
  ) {
    await dropKept(attempt, checkpoint.temp);
    return null;
  }
  if (checkpoint.copiedBytes !== undefined) {
    return await resumeCopy(attempt, checkpoint, facts, checkpoint.copiedBytes);
  }
  const adopting = {
    hash: tools.env.hash,
    window: attempt.window,
    slotBytes: tools.buffers.slotBytes,
    meter: attempt.meter,
    signal,
  };
  const adopted = ends.sink.capabilities.readBack
    ? await adopt(ends.sink, checkpoint, adopting)
    : await adoptUnread(ends.sink, checkpoint, { ...adopting, source: ends.source });
  if (adopted !== null) {
    const stored = adopted.digests.contiguous();
    // From now on it is this lease that has to be given back before the file may be adopted again.
    const held = { ...checkpoint, lease: attempt.lease };
    await quietly(
      tools,
      "say who goes on with a checkpoint",
      () => tools.checkpoints.save(job.id, held, stored),
    );
    return await goOn(attempt, checkpoint.fingerprint, facts, adopted, stored);
  }
  await dropKept(attempt, checkpoint.temp);
  return null;
}

/** Goes on with what the service has copied: what it says is there is trusted to it. */
async function resumeCopy(
  attempt: Attempt,
  checkpoint: Checkpoint,
  facts: SourceFacts,
  copiedBytes: number,
): Promise<Work | null> {
  const { ends, job, lease, signal, tools, meter } = attempt;
  const how = chosenMove(attempt, facts);
  const file = "copy" in how && how.copy.resumes
    ? await ends.sink.reopen(checkpoint.temp, signal)
    : null;
  if (!("copy" in how) || file === null) {
    await dropKept(attempt, checkpoint.temp);
    return null;
  }
  try {
    await file.truncate(Math.min(await file.size(), copiedBytes));
    // Cut where a part ends, which may be before: the file tells.
    const keptBytes = await file.size();
    meter.keptBytes = keptBytes;
    await quietly(
      tools,
      "say who goes on with a checkpoint",
      () => tools.checkpoints.save(job.id, { ...checkpoint, lease }, 0),
    );
    return copyWork(attempt, facts, file, how.copy, keptBytes);
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function goOn(
  attempt: Attempt,
  expected: Fingerprint,
  facts: SourceFacts,
  adopted: Adopted,
  storedChunks: number,
): Promise<Work | null> {
  const { file, keptBytes, digests, lane } = adopted;
  const checkpointer = checkpointerFor(attempt, facts, file, digests, storedChunks);
  const work = { facts, file, keptBytes, lane, digests, checkpointer };
  if (keptBytes === facts.fingerprint.size) return { ...work, reader: null };
  try {
    const range = { start: keptBytes, end: null };
    const reader = await attempt.ends.source.open(range, expected, attempt.signal);
    return { ...work, reader, facts: reader.facts };
  } catch (error) {
    lane.abort();
    await file.close();
    if (!isCondemning(error)) throw error;
    await dropKept(attempt, file.temp);
    return null;
  }
}

function checkpointerFor(
  attempt: Attempt,
  facts: SourceFacts,
  file: SinkFile,
  digests: ChunkDigests,
  storedChunks: number,
): Checkpointer | null {
  const { job, ends } = attempt;
  // Without digests nothing that was kept could be verified.
  if (!job.spec.pipeline.hash) return null;
  if (!isResumable(facts) || !ends.sink.capabilities.resume) return null;
  return new Checkpointer({
    ...keepingOf(attempt, facts, file),
    digests,
    storedChunks,
    saved: progressReporter(attempt, facts.fingerprint, file.temp),
  });
}

function announcedSizeFits(attempt: Attempt, facts: SourceFacts): void {
  const { size } = facts.fingerprint;
  const { mostBytes } = attempt.tools;
  if (mostBytes !== undefined && (size === null || size > mostBytes)) throw new Elsewhere();
  if (size !== null) checkSize(attempt.job.spec.validation, size, "the source");
}

/** After a failure: is the temporary file worth keeping? Saves what is complete, if so. */
export async function keepProgress(work: Work, error: unknown): Promise<boolean> {
  await work.checkpointer?.settled();
  await work.copying?.keeper?.settled();
  // It is what tells whether the grant led to anything.
  if (error instanceof JobError && error.code === "publishUnclear") return true;
  if (isCondemning(error)) return false;
  const { keeper = null } = work.copying ?? {};
  await keeper?.keep();
  if (keeper !== null) return keeper.isWorthKeeping;
  if (work.checkpointer === null) return false;
  await work.checkpointer.keep();
  return work.checkpointer.exists && work.checkpointer.isSynced;
}

function isCondemning(error: unknown): boolean {
  return error instanceof QuorusError && CONDEMNING.has(error.code);
}

/** Removes a temporary file and whatever checkpoint speaks of it. */
export async function dropKept(attempt: Attempt, temp: string): Promise<void> {
  await attempt.ends.sink.abort(temp);
  await attempt.tools.checkpoints.drop(attempt.job.id);
}

/** After success: no checkpoint speaks of a temporary file that is gone. */
export async function dropCheckpoint(attempt: Attempt, work: Work): Promise<void> {
  const { job, tools } = attempt;
  await work.checkpointer?.settled();
  await work.copying?.keeper?.settled();
  const isKept = work.checkpointer?.exists === true ||
    work.copying?.keeper?.isWorthKeeping === true;
  if (job.attempts > 1 || isKept) await tools.checkpoints.drop(job.id);
}

/** How far a temporary file is, and where that is kept. */
function keepingOf(
  { tools, job, lease }: Attempt,
  { fingerprint }: SourceFacts,
  file: SinkFile,
): Keeping {
  return {
    store: tools.checkpoints,
    clock: tools.env.clock,
    jobId: job.id,
    lease,
    file,
    fingerprint,
    chunkBytes: job.spec.pipeline.chunkBytes,
    everyBytes: tools.limits.checkpointBytes,
    everyMs: tools.limits.checkpointMs,
  };
}
