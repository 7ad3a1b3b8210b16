/** One file of a walk, from the look at its destination to what is done with its source. */

import { errorData, QuorusError } from "../../runtime/base/errors.ts";
import { runAttempt } from "../job/attempt.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import { Meter } from "../job/meter.ts";
import { type AttemptTools, Released } from "../job/tools.ts";
import { settleSource } from "./after.ts";
import { fileJob, standsThere } from "./file.ts";
import { sourceDirectories } from "./directories.ts";
import { throwIfAboutFile } from "./ledger.ts";
import type { SetWork } from "./tools.ts";
import type { Wanted } from "./wanted.ts";

/** Never rejects: how it went is in the reports, and what ends all of it in `failure`. */
export async function carryOutFile(work: SetWork, wanted: Wanted): Promise<void> {
  const { reports, meter } = work;
  const path = wanted.path.join("/");
  try {
    if (await isThere(work, wanted)) {
      reports.count("unchanged");
      await settleSource(work, wanted);
    } else {
      await copy(work, wanted, path);
    }
  } catch (error) {
    if (work.signal.aborted) return;
    if (error instanceof Released || !(error instanceof QuorusError)) end(work, error);
    else reports.failed(path, errorData(error));
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

async function isThere(work: SetWork, { entry, path, isKnown }: Wanted): Promise<boolean> {
  const { tools, job, lease, spec: { compare, onlyNew }, signal } = work;
  if (isKnown === true) return true;
  // What the ledger does not have is new, whatever stands at the destination.
  if (entry === null || onlyNew !== null) return false;
  const file = fileJob(tools, job, lease, path, null);
  const fence = (told: string) => void (work.fence = told);
  return await standsThere(tools, file.spec, { seen: entry.fingerprint, compare, signal, fence });
}

async function copy(work: SetWork, wanted: Wanted, path: string): Promise<void> {
  const { tools, job, lease, meter, signal } = work;
  const file = fileJob(tools, job, lease, wanted.path, wanted.grant);
  const own = toolsOf(work, path, wanted.version);
  const event = await runAttempt(own, file, lease, new Meter(tools.env.clock, meter), signal);
  await take(work, wanted, path, event);
}

/** Grants of a file go into the set's reports; whatever else there is to report is the set's own. */
function toolsOf({ tools, reports }: SetWork, path: string, version: string | undefined) {
  const propose: AttemptTools["propose"] = async (command) => {
    if (command.type === "jobEvent" && command.event.type === "grant") {
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
): Promise<void> {
  const { reports } = work;
  switch (event.type) {
    case "succeed": {
      const { outcome, fence } = event.receipt;
      work.fence = fence;
      if (outcome === "skipped") reports.count("unchanged");
      else await told(work, reports.done(path, outcome));
      return await settleSource(work, wanted);
    }
    case "ambiguous":
      await told(work, reports.done(path, "unclear"));
      return reports.failed(path, { ...event.error, code: "ambiguous", retryable: false });
    case "fail":
      if (event.error.code === "alreadyCopied") return reports.count("unchanged");
      // Somebody took it away between its listing and its turn.
      if (event.error.code === "notFound" && await isGone(work, wanted)) {
        return reports.count("left");
      }
      return reports.failed(path, event.error);
    case "release":
      return end(work, work.signal.reason ?? new Released(event.why));
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
