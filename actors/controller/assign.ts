/** Who may be given a job: what `apply` checks of an assignment, whoever proposed it. */

import { lifecycle, type Refusal } from "../job/lifecycle.ts";
import type { Job } from "../job/record.ts";
import type { State } from "./state.ts";

/** The group number of the one local group; sharding brings others. */
const GROUP = 0;

/** Slots by agent, as the proposer of an embedded run knows them; none in a cluster, absent in old logs. */
export type Slots = Readonly<Record<string, number>> | undefined;

/** The job under a lease of `agent`, whose token is the index of the command; or why not. */
export function assigned(state: State, job: Job, agent: string, slots: Slots): Job | Refusal {
  const { epoch, index, nowMs } = state;
  if (!hasFreeSlot(state, agent, slots)) {
    return { refused: `assign: agent ${agent} has no free slot for job ${job.id}` };
  }
  const lease = { epoch, group: GROUP, index, agent };
  return lifecycle(job, { type: "assign", lease }, nowMs);
}

/** Whether a job that has just been submitted may go to `agent` at once: not past others that wait. */
export function mayStart(state: State, job: Job, agent: string, slots: Slots): boolean {
  return job.state === "queued" && state.load.waiting === 0 && hasFreeSlot(state, agent, slots);
}

function hasFreeSlot(state: State, agent: string, slots: Slots): boolean {
  return (state.load.leases.get(agent) ?? 0) < slotsOf(state, agent, slots);
}

/** An agent of a cluster has the slots that it has declared, while it takes jobs at all. */
function slotsOf(state: State, agent: string, slots: Slots): number {
  const known = state.agents.get(agent);
  if (known === undefined) return slots === undefined ? Infinity : slots[agent] ?? 0;
  if (known.status !== "active") return 0;
  return known.registration.capabilities.maxConcurrentTransfers;
}
