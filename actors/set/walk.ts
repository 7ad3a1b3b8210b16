/**
 * Walks a directory and those below it: depth first, page by page. At most one page of names is held for
 * each directory on the way down, whatever their number.
 */

import { errorData } from "../../runtime/base/errors.ts";
import type { Directory, Entry } from "../../protocols/directory.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { JobError } from "../job/errors.ts";
import { SET_LIMITS } from "./limits.ts";
import type { FileFailure } from "./record.ts";

/** Some names of one directory. */
export interface WalkedPage {
  /** Of the directory, from the top down. */
  readonly path: readonly string[];
  readonly directory: Directory;
  readonly entries: readonly Entry[];
  /** What could not be listed, or has a name that no file may have. */
  readonly failures: readonly FileFailure[];
}

/** What is walked, and how. */
export interface WalkOptions {
  /** The directory at these names. */
  readonly open: (path: readonly string[]) => Directory;
  /** Whether a directory is gone into. */
  readonly enters: (path: readonly string[], entry: Entry) => boolean;
  readonly order: "none" | "name" | "oldest";
  readonly signal: AbortSignal;
}

/** Pages of the whole tree; a directory that cannot be listed is a failure, the first one an error. */
export async function* walk(
  options: WalkOptions,
  path: readonly string[] = [],
): AsyncIterable<WalkedPage> {
  const directory = options.open(path);
  try {
    for await (const page of pagesOf(directory, path, options)) {
      yield page;
      for (const entry of page.entries) {
        const below = [...path, entry.name];
        if (entry.kind !== "directory" || !options.enters(below, entry)) continue;
        yield* walk(options, below);
      }
    }
  } catch (error) {
    // What happened outside is not the listing's failure.
    if (!(error instanceof ListingFailed)) throw error;
    yield* failedListing(directory, path, error.cause);
  } finally {
    await directory.close();
  }
}

/** Tells a failure of the listing from those of whoever takes the pages. */
class ListingFailed extends Error {}

function* failedListing(
  directory: Directory,
  path: readonly string[],
  cause: unknown,
): Iterable<WalkedPage> {
  if (!(cause instanceof ProtocolError) || cause.code === "aborted" || path.length === 0) {
    throw cause;
  }
  // Somebody has removed it since its name was read.
  if (cause.code === "notFound") return;
  const { code, message, retryable } = errorData(cause);
  const failures = [{ path: `${path.join("/")}/`, code, message, retryable }];
  yield { path, directory, entries: [], failures };
}

async function* pagesOf(
  directory: Directory,
  path: readonly string[],
  options: WalkOptions,
): AsyncIterable<WalkedPage> {
  if (path.length > SET_LIMITS.setDepth.value) {
    const message = `${path.join("/").slice(0, 200)} is deeper than ${SET_LIMITS.setDepth.value} ` +
      "directories (setDepth); exclude it, or flatten it";
    const code = "tooDeep";
    const failures = [{ path: `${path.join("/")}/`, code, message, retryable: false }];
    yield { path, directory, entries: [], failures };
    return;
  }
  const { order } = options;
  const gathered: Entry[] = [];
  for await (const { entries, refused } of listed(directory, options.signal)) {
    const failures = refused.map((name) => refusedName(path, name));
    if (order === "none") yield { path, directory, entries, failures };
    else {
      if (failures.length > 0) yield { path, directory, entries: [], failures };
      gathered.push(...entries);
      if (gathered.length > SET_LIMITS.setSortEntries.value) throw tooMany(path);
    }
  }
  if (order === "none") return;
  yield { path, directory, entries: gathered.sort(ORDERS[order]), failures: [] };
}

async function* listed(directory: Directory, signal: AbortSignal) {
  const pages = directory.list(signal)[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await pages.next().catch((cause) => {
        throw new ListingFailed("listing failed", { cause });
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    await pages.return?.();
  }
}

const byName = (a: Entry, b: Entry) => a.name < b.name ? -1 : Number(a.name > b.name);

const ORDERS = {
  name: byName,
  oldest: (a: Entry, b: Entry) =>
    (a.fingerprint.mtimeMs ?? 0) - (b.fingerprint.mtimeMs ?? 0) || byName(a, b),
} as const;

/** `name` is fit to be shown, and nothing else. */
function refusedName(path: readonly string[], name: string): FileFailure {
  const shown = [...path, name].join("/");
  const message = `the source has the name ${name}, which no file may have; rename it there`;
  return { path: shown, code: "nameRefused", message, retryable: false };
}

function tooMany(path: readonly string[]): JobError {
  return new JobError(
    "selectionInvalid",
    `cannot put the names of ${path.join("/") || "the directory"} in order: they are more than ` +
      `${SET_LIMITS.setSortEntries.value} (setSortEntries); leave select.order out`,
  );
}
