/**
 * Makes the destination have no files that the source has not. Only after a walk that saw every name, and
 * never more than the declared share: an empty mount is no reason to delete everything.
 */

import { ProtocolError } from "../../protocols/errors.ts";
import type { Directory, Entry } from "../../protocols/directory.ts";
import { JobError } from "../job/errors.ts";
import { destinationDirectories, type OpenDirectory, sourceDirectories } from "./directories.ts";
import { type Selector, selectorOf } from "./select.ts";
import type { SetWork } from "./tools.ts";
import { walk } from "./walk.ts";

/** So many are deleted between two looks whether the lease still holds. */
const DELETED_AT_A_TIME = 64;

/** Deletes what is too much; JobError `mirrorRefused` where that would be more than is allowed. */
export async function mirror(
  work: SetWork,
  { maxDeletePercent }: { readonly maxDeletePercent: number },
): Promise<void> {
  const { reports, job, tools } = work;
  if (!work.isWhole || reports.counts.failed > 0) {
    throw refused(work, "not every name of the source was seen, or not every file was copied");
  }
  const sides: Sides = {
    source: await sourceDirectories(tools, job.spec),
    destination: await destinationDirectories(tools, job.spec),
    selector: selectorOf({ ...work.spec, stable: null }),
  };
  let [all, extra] = [0, 0];
  if (!await isThere(work, sides.destination)) return;
  for await (const { isExtra } of standing(work, sides)) {
    all += 1;
    if (isExtra) extra += 1;
  }
  if (extra === 0) return;
  if (extra * 100 > all * maxDeletePercent) {
    throw refused(
      work,
      `${extra} of its ${all} files would be deleted, more than ${maxDeletePercent} % ` +
        "(destination.mirror.maxDeletePercent)",
    );
  }
  await deleteExtra(work, sides);
}

interface Sides {
  readonly source: OpenDirectory;
  readonly destination: OpenDirectory;
  readonly selector: Selector;
}

interface Standing {
  readonly directory: Directory;
  readonly entry: Entry;
  readonly isExtra: boolean;
}

/** The files of the destination that the selection speaks of, one after the other. */
async function* standing(work: SetWork, sides: Sides): AsyncIterable<Standing> {
  const { signal } = work;
  const pages = walk({
    open: sides.destination,
    enters: (path, entry) => sides.selector.verdict(path, entry, 0) === "directory",
    order: "none",
    signal,
  });
  for await (const { path, directory, entries, failures } of pages) {
    const [failure] = failures;
    if (failure !== undefined) throw refused(work, failure.message);
    const from = sides.source(path);
    try {
      for (const entry of entries) {
        if (entry.kind !== "file" || !sides.selector.isNamed([...path, entry.name])) continue;
        yield { directory, entry, isExtra: await isGone(from, entry.name, signal) };
      }
    } finally {
      await from.close();
    }
  }
}

/** A destination into which nothing was ever copied has nothing too much. */
async function isThere({ signal }: SetWork, open: OpenDirectory): Promise<boolean> {
  const directory = open([]);
  try {
    for await (const _ of directory.list(signal)) return true;
    return true;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "notFound") return false;
    throw error;
  } finally {
    await directory.close();
  }
}

/** Nothing of that name, and no directory where it would be. */
async function isGone(from: Directory, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    return await from.stat(name, signal) === null;
  } catch (error) {
    if (error instanceof ProtocolError && error.code === "notFound") return true;
    throw error;
  }
}

async function deleteExtra(work: SetWork, sides: Sides): Promise<void> {
  const { reports, signal } = work;
  for await (const { directory, entry, isExtra } of standing(work, sides)) {
    if (!isExtra) continue;
    if (await directory.remove(entry.name, entry.fingerprint, signal)) reports.count("deleted");
    // Committed under the lease: who has lost it deletes no more.
    if (reports.counts.deleted % DELETED_AT_A_TIME === 0) await reports.flush();
  }
}

function refused({ job }: SetWork, why: string): JobError {
  return new JobError(
    "mirrorRefused",
    `nothing more was deleted below ${job.spec.destination.uri}: ${why}; look at the source, ` +
      "then run it again",
  );
}
