/** The agent: carries out the attempts it was given leases for, one child actor each. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { job } from "../job/job.ts";
import type { Job, JobFeed } from "../job/messages.ts";
import type { Job as JobRecord } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import { Agent } from "./messages.ts";

/** What an agent is started with. */
export interface AgentArgs {
  readonly tools: AttemptTools;
  readonly feed: Ref<typeof JobFeed> | null;
}

interface Attempt {
  readonly ref: Ref<typeof Job>;
  readonly leaseIndex: number;
}

interface State extends AgentArgs {
  /** By job id. */
  readonly attempts: Map<string, Attempt>;
  /** Job ids by the address of their actor. */
  readonly jobIds: Map<string, string>;
}

/** One agent of the embedded node or of the fleet. */
export const agent = actor(Agent, {
  mailbox: { capacity: 4_096, full: "wait" },
  children: { strategy: "oneForOne" },
  state: (args: AgentArgs): State => ({ ...args, attempts: new Map(), jobIds: new Map() }),
  on: {
    assign: (state, { jobs }, ctx) => {
      for (const assigned of jobs) begin(state, assigned, ctx);
    },
    release: (state, { jobIds, why }) => {
      for (const jobId of jobIds) state.attempts.get(jobId)?.ref.tell("release", { why });
    },
    leases: (state) =>
      [...state.attempts].map(([jobId, { leaseIndex }]) => ({ jobId, leaseIndex })),
  },
  ended: (state, { ref }) => {
    const jobId = state.jobIds.get(ref.address);
    if (jobId === undefined) return;
    state.jobIds.delete(ref.address);
    if (state.attempts.get(jobId)?.ref.address === ref.address) state.attempts.delete(jobId);
  },
});

function begin(state: State, assigned: JobRecord, ctx: Context<typeof Agent>): void {
  if (assigned.lease === null) return;
  const leaseIndex = assigned.lease.index;
  if (state.attempts.get(assigned.id)?.leaseIndex === leaseIndex) return;
  const ref = ctx.spawn(job, {
    name: `${assigned.id}.${leaseIndex}`,
    restart: "temporary",
    args: { job: assigned, tools: state.tools, feed: state.feed },
  });
  ctx.watch(ref);
  state.attempts.set(assigned.id, { ref, leaseIndex });
  state.jobIds.set(ref.address, assigned.id);
}
