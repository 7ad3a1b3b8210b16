/** The scheduler: keeps the queue that the state implies, and proposes assignments. It never decides. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Effect } from "../controller/applied.ts";
import type { Command } from "../controller/commands.ts";
import type { Group } from "../controller/group.ts";
import { Scheduler } from "../controller/messages.ts";
import { isWaiting } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import type { Candidates } from "./candidates.ts";
import { capacities, schedule, type Waiting } from "./schedule.ts";

/** What a scheduler is started with. */
export interface SchedulerArgs {
  readonly group: Group;
  readonly candidates: Candidates;
  /** The term in which its node leads; absent in an embedded run. */
  readonly term?: number;
}

interface State extends SchedulerArgs {
  /** In the order of submission. */
  readonly waiting: Map<string, Waiting>;
  /** Jobs whose assignment is being committed. */
  proposed: readonly string[];
  order: number;
}

/** One scheduler per group, on its leader. */
export const scheduler = actor(Scheduler, {
  mailbox: { capacity: 65_536, full: "reject" },
  state: (args: SchedulerArgs, ctx: Context<typeof Scheduler>): State => {
    const state: State = {
      ...args,
      waiting: new Map(),
      proposed: [],
      order: 0,
    };
    for (const job of [...args.group.state.jobs.values()].sort(bySubmission)) note(state, job.id);
    propose(state, ctx);
    return state;
  },
  on: {
    committed: (state, { effects }, ctx) => {
      for (const effect of effects) noteEffect(state, effect);
      propose(state, ctx);
    },
    fleetChanged: (state, _, ctx) => propose(state, ctx),
    wake: (state, _, ctx) => propose(state, ctx),
    explain: (state, { jobId }) => ({ lines: explain(state, jobId) }),
  },
  done: (state, task, ctx) => {
    for (const jobId of state.proposed) note(state, jobId);
    state.proposed = [];
    if (!task.ok) {
      ctx.log("error", "an assignment could not be proposed", { why: String(task.error) });
    } else propose(state, ctx);
  },
});

function noteEffect(state: State, effect: Effect): void {
  if (effect.type === "jobChanged") note(state, effect.job.id);
}

/** Jobs of one submission are numbered in the order of their plan. */
function bySubmission(a: Job, b: Job): number {
  return a.submittedMs - b.submittedMs || a.id.length - b.id.length || (a.id < b.id ? -1 : 1);
}

/** Keeps the queue in step with a job as it is now: told late or twice, it is known once. */
function note(state: State, jobId: string): void {
  const job = state.group.state.jobs.get(jobId);
  if (job === undefined || !isWaiting(job)) {
    state.waiting.delete(jobId);
    return;
  }
  const order = state.waiting.get(jobId)?.order ?? state.order++;
  state.waiting.set(jobId, { jobId, order, notBeforeMs: job.retryAtMs });
}

/** One proposal at a time: what it changes comes back as effects before the next one is made. */
function propose(state: State, ctx: Context<typeof Scheduler>): void {
  if (state.proposed.length > 0 || state.waiting.size === 0) return;
  const slots = slotsOf(state);
  const agents = capacities(slots, state.group.state.load.leases);
  const nowMs = ctx.env.clock.now();
  const { assignments, wakeAtMs } = schedule(state.waiting.values(), agents, nowMs);
  if (wakeAtMs !== null) ctx.after("wake", Math.max(1, wakeAtMs - nowMs), "wake", {});
  if (assignments.length === 0) return;
  state.proposed = assignments.map(({ jobId }) => jobId);
  for (const jobId of state.proposed) state.waiting.delete(jobId);
  ctx.task("propose", () => state.group.propose(command(state, [...assignments], slots)));
}

/** In a cluster the state itself knows the slots, and takes proposals of the leader's term alone. */
function command(
  { term }: State,
  assignments: { jobId: string; agent: string }[],
  slots: ReadonlyMap<string, number>,
): Command {
  return term === undefined
    ? { type: "assignJobs", assignments, slots: Object.fromEntries(slots) }
    : { type: "assignJobs", assignments, slots: {}, term };
}

/** The slots of those that take jobs now. */
function slotsOf({ candidates }: State): Map<string, number> {
  const open = candidates.list().filter((one) => one.status === "active" && !one.isSuspect);
  return new Map(open.map(({ agent, slots }) => [agent, slots]));
}

function explain(state: State, jobId: string): string[] {
  const job = state.group.state.jobs.get(jobId);
  if (job === undefined) return [`there is no job ${jobId}`];
  return [`job ${jobId} is ${job.state}: ${job.why}`];
}
