/** Which files are complete: looked at several times, or said to be by a file beside them. */

import type { Fingerprint } from "../../protocols/contract.ts";
import { pause } from "./pause.ts";
import type { SetWork } from "./tools.ts";
import type { Wanted } from "./wanted.ts";

/** The files of one page that are complete; the others are counted as left for a later walk. */
export async function completeOnes(work: SetWork, wanted: Wanted[]): Promise<Wanted[]> {
  const { stable } = work.spec;
  if (stable === null || wanted.length === 0) return wanted;
  if ("marker" in stable) return await marked(work, wanted, stable.marker);
  let same = wanted;
  for (let seen = 1; seen < stable.observations; seen++) {
    await pause(work.tools.env.timers, stable.everyMs, work.signal);
    same = await unchanged(work, same);
  }
  return same;
}

/** `*` in a marker stands for the whole name of its file. */
export function markerOf(marker: string, name: string): string {
  return marker.replaceAll("*", () => name);
}

function marked(work: SetWork, wanted: Wanted[], marker: string): Promise<Wanted[]> {
  return kept(work, wanted, async ({ directory, entry }) => {
    if (directory === null || entry === null) return false;
    const found = await directory.stat(markerOf(marker, entry.name), work.signal);
    return found !== null && found.kind === "file";
  });
}

function unchanged(work: SetWork, wanted: Wanted[]): Promise<Wanted[]> {
  return kept(work, wanted, async ({ directory, entry }) => {
    if (directory === null || entry === null) return false;
    const now = await directory.stat(entry.name, work.signal);
    return now !== null && isEqual(entry.fingerprint, now.fingerprint);
  });
}

/** All of what a listing tells: something that is not told any more is a change as well. */
export function isEqual(one: Fingerprint, other: Fingerprint): boolean {
  return one.size === other.size && one.mtimeMs === other.mtimeMs && one.etag === other.etag &&
    one.version === other.version;
}

/** Asks for as many at a time as files are carried out at a time. */
async function kept(
  work: SetWork,
  wanted: Wanted[],
  isKept: (one: Wanted) => Promise<boolean>,
): Promise<Wanted[]> {
  const { reports, spec } = work;
  const found: Wanted[] = [];
  for (let at = 0; at < wanted.length; at += spec.concurrentFiles) {
    const some = wanted.slice(at, at + spec.concurrentFiles);
    const answers = await Promise.all(some.map(isKept));
    some.forEach((one, index) => {
      if (answers[index] === true) found.push(one);
      else reports.count("left");
    });
  }
  return found;
}
