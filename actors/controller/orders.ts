/** What a controller tells an agent of the leases that it has: derived from the jobs, so that it may be told again. */

import type { Delivery, Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import type { Job } from "../job/record.ts";

/** Jobs that one message assigns. */
const ASSIGNED_TOGETHER = 64;

/** Gives an agent jobs under their leases; those that it works on it passes over. */
export function giveJobs(agent: Ref<typeof Agent>, jobs: readonly Job[]): Delivery {
  let last: Delivery = "accepted";
  for (let at = 0; at < jobs.length && last !== "full"; at += ASSIGNED_TOGETHER) {
    last = agent.tell("assign", { jobs: jobs.slice(at, at + ASSIGNED_TOGETHER) });
  }
  return last;
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
