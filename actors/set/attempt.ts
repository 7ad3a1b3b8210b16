/**
 * One attempt of a set: what earlier leases were about to publish is looked at first, then the source is
 * walked, and each file is carried out like a transfer of its own, under the set's lease. Nothing of it
 * grows with the number of files: a page of names for each level, `concurrentFiles` files at a time.
 */

import { boundInTime, ended } from "../job/attempt.ts";
import type { CheckpointStore } from "../job/checkpoint.ts";
import { JobError } from "../job/errors.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import type { Meter } from "../job/meter.ts";
import type { Job, Lease, Receipt } from "../job/record.ts";
import type { Reveal } from "../job/ends.ts";
import { type AttemptTools, Elsewhere, Released } from "../job/tools.ts";
import type { SetSpec } from "../../workflows/spec.ts";
import { carryOutFile } from "./carry.ts";
import { sourceDirectories } from "./directories.ts";
import { recall } from "./ledger.ts";
import { mirror } from "./mirror.ts";
import { NEW_SET } from "./record.ts";
import { regulated } from "./regulated.ts";
import { Reports } from "./reports.ts";
import { type Selector, selectorOf } from "./select.ts";
import { completeOnes } from "./stable.ts";
import type { SetWork } from "./tools.ts";
import { uriBelow } from "./file.ts";
import { walk, type WalkedPage } from "./walk.ts";
import type { Wanted } from "./wanted.ts";

/** Carries out one attempt of a set under `lease`: as `runAttempt` does for one file. */
export async function runSet(
  tools: AttemptTools,
  job: Job,
  lease: Lease,
  meter: Meter,
  signal: AbortSignal,
): Promise<JobEvent> {
  // A Worker of an agent has no such bound: a set is made there as a whole.
  if (tools.mostBytes !== undefined) throw new Elsewhere();
  const bound = boundInTime(tools.env, job, tools.env.clock.now(), signal);
  const stop = new AbortController();
  const work = workOf(tools, job, lease, meter, AbortSignal.any([bound.signal, stop.signal]), stop);
  try {
    meter.phase = "running";
    meter.files = { copied: 0, unchanged: 0, failed: 0 };
    return await carryOut(work);
  } catch (error) {
    // What is under way may hold a grant: how it ends is told while the lease lasts.
    stop.abort(error instanceof Released || signal.aborted ? error : new Released("the set ends"));
    await work.turns.ended();
    await work.reports.flush().catch(() => {});
    const reason = work.failure ?? error;
    return ended(tools, job, lease, bound.signal, reason);
  } finally {
    work.regulator.close();
    bound.cancel();
  }
}

function workOf(
  tools: AttemptTools,
  job: Job,
  lease: Lease,
  meter: Meter,
  signal: AbortSignal,
  stop: AbortController,
): SetWork {
  const spec = setOf(job);
  const reports = new Reports({
    propose: tools.propose,
    hash: tools.env.hash,
    timers: tools.env.timers,
    job,
    set: job.set ?? NEW_SET,
    lease,
    over: (reason) => stop.abort(reason),
  });
  return {
    tools: {
      ...fixedRanges(tools),
      reveal: remembered(tools.reveal),
      replication: null,
      checkpoints: fewCheckpoints(tools.checkpoints, job),
    },
    job,
    spec,
    lease,
    meter,
    reports,
    ...regulated(tools, job, spec.concurrentFiles, meter),
    signal,
    stop,
    isWhole: true,
    failure: null,
    fence: null,
  };
}

function setOf({ id, spec }: Job): SetSpec {
  if (spec.set !== undefined) return spec.set;
  throw new TypeError(`job ${id} is no set`);
}

/** Files at a time follow the way; two numbers that follow one rate would disturb each other. */
function fixedRanges({ ways: _, ...tools }: AttemptTools): AttemptTools {
  return tools;
}

/** Secrets are looked up once for all files; they are forgotten with the attempt. */
function remembered(reveal: Reveal): Reveal {
  const known = new Map<string, Promise<string>>();
  return (sealed) => {
    const key = JSON.stringify(sealed);
    const text = known.get(key) ?? reveal(sealed);
    known.set(key, text);
    return text;
  };
}

/** Most files leave none: the store is asked once which there are, and only about those. */
function fewCheckpoints(store: CheckpointStore, job: Job): CheckpointStore {
  const isFirst = job.attempts <= 1 && (job.lease?.epoch ?? 1) <= 1;
  let asked: Promise<Set<string>> | null = isFirst ? Promise.resolve(new Set()) : null;
  const known = () =>
    asked ??= store.leases().then((kept) => new Set(kept.map(({ jobId }) => jobId)));
  return {
    leases: () => store.leases(),
    keys: () => store.keys(),
    close: () => store.close(),
    load: async (id) => (await known()).has(id) ? await store.load(id) : null,
    save: async (id, checkpoint, firstChanged) => {
      (await known()).add(id);
      await store.save(id, checkpoint, firstChanged);
    },
    drop: async (id) => {
      if (!(await known()).delete(id)) return;
      await store.drop(id);
    },
  };
}

async function carryOut(work: SetWork): Promise<JobEvent> {
  const { reports, turns, job, lease } = work;
  const handled = await goOnWithOpen(work);
  await walkSource(work, handled);
  await turns.ended();
  await reports.flush();
  throwIfOver(work);
  if (work.spec.mirror !== null) await mirror(work, work.spec.mirror);
  await reports.flush();
  if (reports.counts.failed > 0) throw failedFiles(work);
  return { type: "succeed", lease, receipt: receiptOf(work, job) };
}

/** Grants that nobody has answered for: probed, and gone on with, before anything else. */
async function goOnWithOpen(work: SetWork): Promise<ReadonlySet<string>> {
  const { job, turns, reports } = work;
  const handled = new Set<string>();
  for (const { path, grant, version, isUnclear } of job.set?.open ?? []) {
    handled.add(path);
    if (isUnclear === true) {
      const message = `nobody can tell whether ${path} was published: look, and decide`;
      reports.failed(path, { code: "ambiguous", message, retryable: false });
      continue;
    }
    const names = path.split("/");
    await turns.take(work.signal);
    turns.run(carryOutFile(work, { path: names, grant, version, entry: null, directory: null }));
  }
  await turns.ended();
  throwIfOver(work);
  return handled;
}

async function walkSource(work: SetWork, handled: ReadonlySet<string>): Promise<void> {
  const { tools, job, spec, signal } = work;
  const selector = selectorOf(spec);
  const open = await sourceDirectories(tools, job.spec);
  const archive = spec.after === null || spec.after === "delete" ? null : spec.after.move;
  const pages = walk({
    open,
    enters: (path, entry) =>
      `${uriBelow(job.spec.source.uri, path)}/` !== archive &&
      selector.verdict(path, entry, 0) === "directory",
    order: spec.order,
    signal,
  });
  for await (const page of pages) await takePage(work, selector, page, handled);
}

async function takePage(
  work: SetWork,
  selector: Selector,
  page: WalkedPage,
  handled: ReadonlySet<string>,
): Promise<void> {
  const { reports, turns, spec, tools } = work;
  for (const failure of page.failures) {
    work.isWhole = false;
    reports.failed(failure.path, failure);
  }
  const nowMs = tools.env.clock.now();
  const wanted: Wanted[] = [];
  for (const entry of page.entries) {
    const path = [...page.path, entry.name];
    const verdict = selector.verdict(path, entry, nowMs);
    if (verdict === "left" && entry.kind !== "directory") reports.count("left");
    if (verdict === "unknown") reports.failed(path.join("/"), unknownFacts(path.join("/")));
    if (verdict !== "file" || (handled.has(path.join("/")) && spec.after === null)) continue;
    wanted.push({ path, entry, directory: page.directory, grant: null, version: undefined });
  }
  const complete = await completeOnes(work, wanted);
  for (const one of await recall(work, complete)) {
    throwIfOver(work);
    await turns.take(work.signal);
    turns.run(carryOutFile(work, one));
  }
  // The directory is closed after its last page; its files may still need it.
  if (spec.after !== null) await turns.ended();
}

function unknownFacts(path: string) {
  const message = `cannot select ${path}: the listing of its source tells no size or time of it, ` +
    "which select asks for";
  return { code: "unsupported", message, retryable: false };
}

/** Enough has failed, or the lease is over. */
export function throwIfOver({ signal, reports, spec, failure }: SetWork): void {
  if (failure !== null) throw failure;
  signal.throwIfAborted();
  const { failed } = reports.counts;
  if (failed <= spec.maxFailures) return;
  throw filesFailed(
    `${failed} files have failed, more than transfer.maxFailures allows (${spec.maxFailures}); ` +
      "the others were not tried",
    reports,
  );
}

function failedFiles({ reports }: SetWork): JobError {
  const { failed } = reports.counts;
  return filesFailed(failed === 1 ? "1 file has failed" : `${failed} files have failed`, reports);
}

function filesFailed(what: string, { counts, firstFailures, mayTryAgain }: Reports): JobError {
  const shown = firstFailures.map(({ path, message }) => `${path}: ${message}`).join("; ");
  const more = counts.failed > firstFailures.length ? "; and others" : "";
  return new JobError("filesFailed", `${what}: ${shown}${more}`, { retryable: mayTryAgain });
}

function receiptOf({ reports, meter, tools, fence }: SetWork, job: Job): Receipt {
  const { files, bytes, digest, level } = reports.published;
  const nowMs = tools.env.clock.now();
  return {
    outcome: "published",
    name: "",
    bytes,
    sha256: null,
    root: digest,
    level: level ?? job.spec.validation.level,
    fence: fence ?? "none",
    fileId: null,
    fetchedBytes: meter.fetchedBytes,
    keptBytes: meter.keptBytes,
    ...(meter.copiedBytes === 0 ? {} : { copiedBytes: meter.copiedBytes }),
    attempts: job.attempts,
    startedMs: job.startedMs ?? nowMs,
    endedMs: nowMs,
    files: { files, ...reports.counts },
  };
}
