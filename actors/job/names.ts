/** The names that a file may get: the declared one, or, where that is taken, one like it. */

import type { Attempt } from "./tools.ts";

/** `report.csv`, `report (1).csv`, `report (2).csv` ... */
export function candidateName(name: string, n: number): string {
  if (n === 0) return name;
  const dot = name.lastIndexOf(".");
  return dot > 0 ? `${name.slice(0, dot)} (${n})${name.slice(dot)}` : `${name} (${n})`;
}

/** Whether something stands at a name of the destination's directory. */
export async function isTaken({ ends, signal }: Attempt, name: string): Promise<boolean> {
  return await ends.sink.stat(name, signal) !== null;
}

/**
 * The name that the file will most likely get: an upload to an object store is bound to one from its
 * beginning, and would have to be made again for another.
 */
export async function likelyName(attempt: Attempt): Promise<string> {
  const { job, tools, ends } = attempt;
  const { name } = ends.sink;
  if (job.spec.destination.conflict !== "rename") return name;
  for (let n = 0; n < tools.limits.renameCandidates; n++) {
    const candidate = candidateName(name, n);
    if (!await isTaken(attempt, candidate)) return candidate;
  }
  return name;
}
