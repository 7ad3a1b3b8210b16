/** What a controller tells an agent of the leases that it has: derived from the jobs, so that it may be told again. */

import type { Delivery, Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import type { Job } from "../job/record.ts";
import type { State } from "./state.ts";

/** Jobs that one message assigns. */
const ASSIGNED_TOGETHER = 64;

/** Gives an agent jobs under their leases; those that it works on it passes over. */
export function giveJobs(
  agent: Ref<typeof Agent>,
  jobs: readonly Job[],
  { runs }: Pick<State, "runs">,
): Delivery {
  let last: Delivery = "accepted";
  for (let at = 0; at < jobs.length && last !== "full"; at += ASSIGNED_TOGETHER) {
    const some = jobs.slice(at, at + ASSIGNED_TOGETHER).map((job) => withOrigin(job, runs));
    last = agent.tell("assign", { jobs: some });
  }
  return last;
}

function withOrigin(job: Job, runs: State["runs"]): Job {
  const origin = runs.get(job.runId)?.origin;
  return origin === undefined ? job : { ...job, origin };
}

/** Tells an agent which of its jobs are not wanted any more. */
export function releaseJobs(agent: Ref<typeof Agent>, jobs: readonly Job[]): Delivery {
  let last: Delivery = "accepted";
  for (const [intent, why] of [["pause", "paused"], ["cancel", "cancelled"]] as const) {
    const jobIds = jobs.filter((job) => job.intent === intent).map(({ id }) => id);
    if (jobIds.length === 0) continue;
    const told = agent.tell("release", { jobIds, why });
    if (told === "full") last = told;
  }
  return last;
}
