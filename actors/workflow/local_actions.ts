/** Actions performed on this node, which has the files: the embedded run's, and an agent's. */

import { openSink } from "../job/ends.ts";
import type { Job } from "../job/record.ts";
import { seizedName } from "../job/seize.ts";
import { sweepSet } from "../set/sweep.ts";
import type { AttemptTools } from "../job/tools.ts";
import type { Actions } from "./actions.ts";
import { cleanUp } from "./cleanup.ts";

/** Performs actions with the tools of this node's attempts. */
export function localActions(tools: AttemptTools): Actions {
  return {
    perform: async (action, failedJobs, signal) => {
      if (action.type === "cleanup") {
        return { ...await cleanUp(tools.env, action, { signal, tools }) };
      }
      for (const job of failedJobs) await deletePartial(job, tools);
      return { jobs: failedJobs.length };
    },
  };
}

/** Removes the temporary files and the checkpoint that attempts of a job may have left. */
async function deletePartial(job: Job, tools: AttemptTools): Promise<void> {
  if (job.set !== undefined) {
    const names = [...job.adoptable, ...job.stale].map(({ temp }) => temp);
    return void await sweepSet(tools, job, names);
  }
  const checkpoint = await tools.checkpoints.load(job.id);
  const sink = await openSink(job.spec, tools);
  try {
    const temps = new Set([...job.adoptable, ...job.stale].map(({ temp }) => temp));
    if (checkpoint !== null) temps.add(checkpoint.temp);
    // One that was seized may have been handed back since.
    if (sink.capabilities.fence === "seize") {
      for (const temp of [...temps]) temps.add(seizedName(temp));
    }
    for (const temp of temps) await sink.abort(temp);
  } finally {
    await sink.close();
  }
  await tools.checkpoints.drop(job.id);
}
