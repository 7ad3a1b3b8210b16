/**
 * The sweeper, on the leader: has the temporary files removed that attempts of ended jobs may have left
 * (`leftovers.ts`), by an agent that reaches them. What it has done is not committed: to remove what is
 * gone harms nobody, so the next leader begins anew with the jobs that the state still has.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context, TaskEnd } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Agent } from "../agent/messages.ts";
import type { Group } from "../controller/group.ts";
import type { Job } from "../job/record.ts";
import type { Candidate, Candidates } from "../scheduler/candidates.ts";
import { FINAL_STATES, mayHaveLeft } from "../job/record.ts";
import { demandOf } from "../scheduler/demand.ts";
import { fits } from "../scheduler/fleet.ts";
import { halvesOf } from "../scheduler/halves.ts";
import { ActionError } from "./actions.ts";
import { Leftovers } from "./leftovers.ts";
import type { FLEET_LIMITS } from "./limits.ts";

const Sweeper = protocol("quorus.sweeper", {
  version: 1,
  messages: {
    /** Time to see what is due. */
    look: tell(z.object({})),
  },
});

/** What a sweeper is started with. */
export interface SweeperArgs {
  readonly group: Pick<Group, "state" | "subscribe">;
  readonly candidates: Candidates;
  readonly agents: (id: string) => Ref<typeof Agent> | null;
  readonly limits: LimitValues<typeof FLEET_LIMITS>;
}

interface State extends SweeperArgs {
  /** Written by what listens to the group, too. */
  readonly leftovers: Leftovers;
  readonly unsubscribe: () => void;
  underWay: number;
}

/** One on the leader, beside its scheduler. */
export const sweeper = actor(Sweeper, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: SweeperArgs, ctx: Context<typeof Sweeper>): State => {
    const { group, limits } = args;
    const { clock } = ctx.env;
    const leftovers = new Leftovers(limits);
    for (const job of group.state.jobs.values()) leftovers.note(job, clock.monotonic());
    const unsubscribe = group.subscribe((effects) => {
      for (const effect of effects) {
        if (effect.type !== "jobChanged") continue;
        const { job } = effect;
        if (FINAL_STATES.has(job.state) && !mayHaveLeft(job)) leftovers.forget(job.id);
        else leftovers.note(job, clock.monotonic());
      }
    });
    ctx.every("look", limits.sweepEveryMs, "look", {});
    return { ...args, leftovers, unsubscribe, underWay: 0 };
  },
  on: { look: (state, _, ctx) => look(state, ctx) },
  done: (state, task, ctx) => swept(state, task, ctx),
  stopping: ({ unsubscribe }) => unsubscribe(),
});

function look(state: State, ctx: Context<typeof Sweeper>): void {
  const { leftovers, limits } = state;
  const room = limits.sweepsAtATime - state.underWay;
  for (const { job, tries } of leftovers.take(ctx.env.clock.monotonic(), room)) {
    state.underWay += 1;
    ctx.task(job.id, (signal) => sweep(state, job, tries, signal));
  }
}

/** Another agent with each try: what one does not reach, the next one may. */
async function sweep(
  { candidates, agents, limits }: State,
  job: Job,
  tries: number,
  signal: AbortSignal,
): Promise<void> {
  const able = ableTo(candidates.list(), job);
  const chosen = able[tries % able.length];
  const ref = chosen === undefined ? null : agents(chosen.agent);
  if (ref === null) {
    throw new ActionError(
      "noAgent",
      `remove what attempts of job ${job.id} have left: no agent that answers reaches ` +
        `${job.spec.destination.uri}; start one that does`,
      { retryable: true },
    );
  }
  const action = { type: "rollback", strategy: "deletePartial" } as const;
  await ref.ask("perform", { action, failedJobs: [job] }, { withinMs: limits.sweepMs, signal });
}

/** Who could write its destination reaches what it has left; those who had it come first. */
function ableTo(agents: readonly Candidate[], job: Job): Candidate[] {
  const demand = demandOf(job, true);
  const wanted = halvesOf(demand)?.write ?? demand;
  const had = new Set(job.stale.map(({ agent }) => agent));
  const able = agents.filter((one) =>
    one.status === "active" && !one.isSuspect && fits(one, wanted)
  );
  return [
    ...able.filter(({ agent }) => had.has(agent)),
    ...able.filter(({ agent }) => !had.has(agent)),
  ];
}

function swept(state: State, task: TaskEnd, ctx: Context<typeof Sweeper>): void {
  const { leftovers } = state;
  state.underWay -= 1;
  if (task.ok) leftovers.done(task.name);
  else if (!leftovers.failed(task.name, ctx.env.clock.monotonic())) {
    ctx.log("warn", "temporary files of a job that has ended may be left", {
      job: task.name,
      why: messageOf(task.error),
    });
  }
  look(state, ctx);
}
