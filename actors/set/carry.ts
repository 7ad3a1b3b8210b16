/** One file of a walk, from the look at its destination to what is done with its source. */

import { type ErrorData, errorData, QuorusError } from "../../runtime/base/errors.ts";
import { runAttempt } from "../job/attempt.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import { Meter } from "../job/meter.ts";
import { type Job, type Lease, temporaryName } from "../job/record.ts";
import { type AttemptTools, Released } from "../job/tools.ts";
import { settleSource } from "./after.ts";
import { fileJob, fileSpec, standsThere } from "./file.ts";
import { sourceDirectories } from "./directories.ts";
import { throwIfAboutFile } from "./ledger.ts";
import { nextTurnMs, tellRegulator } from "./regulated.ts";
import type { SetWork } from "./tools.ts";
import type { Wanted } from "./wanted.ts";

/** One turn of a file. */
interface Turn {
  /** From 1. */
  readonly number: number;
  /** A grant was asked for, or only its source is left: what fails now is told, and not tried again. */
  isFinal: boolean;
}

/** Never rejects: how it went is in the reports, and what ends all of it in `failure`. */
export async function carryOutFile(work: SetWork, wanted: Wanted): Promise<void> {
  const { reports, meter, turns, signal, tools: { env } } = work;
  const path = wanted.path.join("/");
  try {
    for (let number = 1;; number++) {
      const turn: Turn = { number, isFinal: wanted.grant !== null };
      const error = await inOneTurn(work, wanted, path, turn);
      if (error === null) return;
      const afterMs = turn.isFinal ? null : nextTurnMs(work, error, number, env.random.next());
      if (afterMs === null) return reports.failed(path, error);
      await turns.again(env.timers, afterMs, signal);
    }
  } catch (error) {
    if (!signal.aborted) end(work, error);
  } finally {
    const { unchanged, failed } = reports.counts;
    meter.files = {
      copied: reports.published.files - (work.job.set?.files ?? 0),
      unchanged,
      failed,
    };
  }
}

function end(work: SetWork, error: unknown): void {
  work.failure ??= error;
  work.stop.abort(error);
}

/** What it has failed with, if it is not over with that: another turn may do better. */
async function inOneTurn(
  work: SetWork,
  wanted: Wanted,
  path: string,
  turn: Turn,
): Promise<ErrorData | null> {
  const { reports, regulator } = work;
  const begunAfter = regulator.changes;
  let error: ErrorData | null = null;
  try {
    if (await isThere(work, wanted)) {
      turn.isFinal = true;
      reports.count("unchanged");
      await settleSource(work, wanted);
    } else {
      error = await copy(work, wanted, path, turn);
    }
  } catch (thrown) {
    if (work.signal.aborted) return null;
    if (thrown instanceof Released || !(thrown instanceof QuorusError)) throw thrown;
    error = errorData(thrown);
  }
  tellRegulator(regulator, error, begunAfter);
  return error;
}

async function isThere(work: SetWork, { entry, path, isKnown }: Wanted): Promise<boolean> {
  const { tools, job, spec: { compare, onlyNew }, signal } = work;
  if (isKnown === true) return true;
  // What the ledger does not have is new, whatever stands at the destination.
  if (entry === null || onlyNew !== null) return false;
  if (compare === "none") return false;
  const fence = (told: string) => void (work.fence = told);
  return await standsThere(tools, fileSpec(job.spec, path), {
    seen: entry.fingerprint,
    compare,
    signal,
    fence,
  });
}

/** What it has failed with, where nothing of that was told yet. */
async function copy(
  work: SetWork,
  wanted: Wanted,
  path: string,
  turn: Turn,
): Promise<ErrorData | null> {
  const { tools, job, lease, meter, signal } = work;
  const file = fileJob(tools, job, lease, wanted.path, wanted.grant);
  const again = turn.number === 1 ? file : goesOn(file, lease);
  const own = toolsOf(work, path, wanted.version, turn);
  const event = await runAttempt(own, again, lease, new Meter(tools.env.clock, meter), signal);
  if (event.type === "succeed") turn.isFinal = true;
  return await take(work, wanted, path, event);
}

/** The turn before is over, so its temporary file may be gone on with, or removed. */
function goesOn(file: Job, lease: Lease): Job {
  const left = { temp: temporaryName(file.id, lease), leaseIndex: lease.index };
  return {
    ...file,
    attempts: Math.max(2, file.attempts),
    adoptable: [...file.adoptable, left],
  };
}

/** Grants of a file go into the set's reports; whatever else there is to report is the set's own. */
function toolsOf(
  { tools, reports }: SetWork,
  path: string,
  version: string | undefined,
  turn: Turn,
) {
  const propose: AttemptTools["propose"] = async (command) => {
    if (command.type === "jobEvent" && command.event.type === "grant") {
      turn.isFinal = true;
      const refused = await reports.grant(path, command.event.grant, version);
      throwIfAboutFile(refused);
      return refused;
    }
    if (command.type === "jobEvent" && command.event.type === "notPublished") {
      return await reports.done(path, "unpublished");
    }
    throw new TypeError(`a file of a set does not report ${command.type}`);
  };
  return { ...tools, propose };
}

async function take(
  work: SetWork,
  wanted: Wanted,
  path: string,
  event: JobEvent,
): Promise<ErrorData | null> {
  const { reports } = work;
  switch (event.type) {
    case "succeed": {
      const { outcome, fence } = event.receipt;
      work.fence = fence;
      if (outcome === "skipped") reports.count("unchanged");
      else await told(work, reports.done(path, outcome));
      await settleSource(work, wanted);
      return null;
    }
    case "ambiguous":
      await told(work, reports.done(path, "unclear"));
      return { ...event.error, code: "ambiguous", retryable: false };
    case "fail":
      // Somebody took it away between its listing and its turn.
      if (event.error.code === "notFound" && await isGone(work, wanted)) {
        reports.count("left");
        return null;
      }
      if (event.error.code !== "alreadyCopied") return event.error;
      reports.count("unchanged");
      return null;
    case "release":
      end(work, work.signal.reason ?? new Released(event.why));
      return null;
    default:
      throw new TypeError(`an attempt does not end with ${event.type}`);
  }
}

/** Waits until it is committed where something must come after that; else that is seen to by itself. */
async function told(work: SetWork, answer: Promise<readonly string[]>): Promise<void> {
  const checked = answer.then((refused) => {
    if (refused.length > 0) throw new Released(refused.join("; "));
  });
  if (work.spec.after !== null) return await checked;
  checked.catch((error) => end(work, error));
}

async function isGone(work: SetWork, { path }: Wanted): Promise<boolean> {
  const open = await sourceDirectories(work.tools, work.job.spec);
  const directory = open(path.slice(0, -1));
  try {
    return await directory.stat(path.at(-1)!, work.signal) === null;
  } finally {
    await directory.close();
  }
}
