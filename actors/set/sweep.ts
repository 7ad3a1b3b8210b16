/** Removes what attempts of a set may have left: only a walk of the destination finds it all. */

import { openEnds } from "../job/ends.ts";
import type { Job, Lease } from "../job/record.ts";
import { seizedName } from "../job/seize.ts";
import type { AttemptTools } from "../job/tools.ts";
import { destinationDirectories } from "./directories.ts";
import { fileJob } from "./file.ts";
import { isOfLease } from "./names.ts";
import { walk } from "./walk.ts";

/**
 * Removes the temporary files of the leases that `names`, temporary names of the set itself, stand for;
 * resolves to how many there were. What cannot be listed is left alone.
 */
export async function sweepSet(
  tools: AttemptTools,
  job: Job,
  names: readonly string[],
  signal: AbortSignal = new AbortController().signal,
): Promise<number> {
  await abortOpen(tools, job);
  const open = await destinationDirectories(tools, job.spec);
  let removed = 0;
  for await (
    const { directory, entries } of walk({ open, enters: () => true, order: "none", signal })
  ) {
    for (const { name, kind } of entries) {
      const isIt = names.some((temp) => isOfLease(name.replace(SEIZED, ""), temp));
      if (kind !== "file" || !isIt) continue;
      if (await directory.remove(name, null, signal)) removed += 1;
    }
  }
  return removed;
}

/** Those that a grant names are known, also where a temporary file is no name that could be listed. */
async function abortOpen(tools: AttemptTools, job: Job): Promise<void> {
  for (const { path, grant } of job.set?.open ?? []) {
    const file = fileJob(tools, job, job.lease ?? NOBODY, path.split("/"), grant);
    const { sink, close } = await openEnds(file.spec, tools);
    try {
      await sink.abort(grant.temp);
      if (sink.capabilities.fence === "seize") await sink.abort(seizedName(grant.temp));
    } finally {
      await close();
    }
  }
}

/** What `seizedName` adds. */
const SEIZED = /\.seized$/;

const NOBODY: Lease = { epoch: 0, group: 0, index: 0, agent: "" };
