/** Which entries of a directory are meant: pure, from what a listing tells and the time. */

import type { Entry } from "../../protocols/directory.ts";
import { compileGlob, type Glob } from "../../workflows/glob.ts";
import type { SetSpec } from "../../workflows/spec.ts";
import { JobError } from "../job/errors.ts";

/** Names of our own temporary files, on either side. */
const OWN = ".quorus-";

/** What becomes of an entry; `unknown`: the listing does not tell what the selection asks for. */
export type Verdict = "file" | "directory" | "left" | "unknown";

/** See {@link selectorOf}. */
export interface Selector {
  /** `path`: the names from the top down, that of the entry last. */
  verdict(path: readonly string[], entry: Entry, nowMs: number): Verdict;
  /** Whether names alone speak for a file, whatever its size and age. */
  isNamed(path: readonly string[]): boolean;
}

/** Compiles what a set says of its files; JobError for a glob that cannot be used. */
export function selectorOf(set: SetSpec): Selector {
  const glob = set.glob === null ? null : compiled(set.glob, false);
  const include = set.include.map((one) => compiled(one, false));
  const exclude = set.exclude.map((one) => compiled(one, true));
  const trees = set.exclude.filter((one) => one.endsWith("/")).map((one) => compiled(one, true));
  const marker = set.stable !== null && "marker" in set.stable ? set.stable.marker : null;
  const isNamed = (path: readonly string[]): boolean => {
    const name = path.at(-1) ?? "";
    return !name.startsWith(OWN) && !isMarker(marker, name) && glob?.matches(path) !== false &&
      (include.length === 0 || include.some((one) => one.matches(path))) &&
      !exclude.some((one) => one.matches(path));
  };
  const mayHold = (path: readonly string[]): boolean => {
    if (set.depth !== null && path.length > set.depth) return false;
    if (trees.some((one) => one.matches(path))) return false;
    return glob === null || glob.couldMatchBelow(path);
  };
  return {
    isNamed,
    verdict: (path, entry, nowMs) => {
      if (entry.kind === "directory") return mayHold(path) ? "directory" : "left";
      if (entry.kind !== "file" || !isNamed(path)) return "left";
      return fits(set, entry, nowMs);
    },
  };
}

function compiled(pattern: string, dot: boolean): Glob {
  const glob = compileGlob(pattern.replace(/(.)\/$/, "$1"), { dot });
  if (!("fault" in glob)) return glob;
  throw new JobError("selectionInvalid", `cannot use the glob ${pattern}: ${glob.fault}`);
}

/** `*.done`: a name that says that the file of the rest of it is complete. */
function isMarker(marker: string | null, name: string): boolean {
  if (marker === null) return false;
  const [front = "", back = ""] = marker.split("*");
  if (!marker.includes("*")) return name === marker;
  return name.length > front.length + back.length && name.startsWith(front) && name.endsWith(back);
}

function fits(set: SetSpec, { fingerprint }: Entry, nowMs: number): Verdict {
  const { size, mtimeMs } = fingerprint;
  if ((set.minBytes !== null || set.maxBytes !== null) && size === null) return "unknown";
  if ((set.minAgeMs !== null || set.maxAgeMs !== null) && mtimeMs === null) return "unknown";
  if (size !== null && (size < (set.minBytes ?? 0) || size > (set.maxBytes ?? Infinity))) {
    return "left";
  }
  if (mtimeMs === null) return "file";
  const ageMs = nowMs - mtimeMs;
  const tooYoung = set.minAgeMs !== null && ageMs < set.minAgeMs;
  return tooYoung || ageMs > (set.maxAgeMs ?? Infinity) ? "left" : "file";
}
