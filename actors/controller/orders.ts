/** What a controller tells an agent of the leases that it has: derived from the jobs, so that it may be told again. */

import type { Delivery, Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import type { AgentRecord } from "../agent/record.ts";
import type { Job } from "../job/record.ts";
import type { State } from "./state.ts";

/** Jobs that one message assigns. */
const ASSIGNED_TOGETHER = 64;

/** Gives an agent jobs under their leases; those that it works on it passes over. */
export function giveJobs(
  agent: Ref<typeof Agent>,
  jobs: readonly Job[],
  state: Pick<State, "runs" | "agents">,
): Delivery {
  let last: Delivery = "accepted";
  for (let at = 0; at < jobs.length && last !== "full"; at += ASSIGNED_TOGETHER) {
    const some = jobs.slice(at, at + ASSIGNED_TOGETHER).map((job) => told(job, state));
    last = agent.tell("assign", { jobs: some });
  }
  return last;
}

/** With what its agent needs to know and the state keeps elsewhere. */
function told(job: Job, { runs, agents }: Pick<State, "runs" | "agents">): Job {
  const origin = runs.get(job.runId)?.origin;
  const reader = job.lease?.reader;
  if (origin === undefined && reader === undefined) return job;
  return {
    ...job,
    ...(origin === undefined ? {} : { origin }),
    ...(reader === undefined ? {} : { relay: { url: urlOf(agents.get(reader)) } }),
  };
}

function urlOf(agent: AgentRecord | undefined): string | null {
  return agent?.registration.relay?.url ?? null;
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
