/** The scheduler: keeps the queue that the state implies, and proposes assignments. It never decides. */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Effect } from "../controller/applied.ts";
import type { Group } from "../controller/group.ts";
import { Scheduler } from "../controller/messages.ts";
import { isWaiting } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import { capacities, schedule, type Waiting } from "./schedule.ts";

/** What a scheduler is started with. */
export interface SchedulerArgs {
  readonly group: Group;
  /** Slots by agent. */
  readonly slots: ReadonlyMap<string, number>;
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
    wake: (state, _, ctx) => propose(state, ctx),
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
  const agents = capacities(state.slots, state.group.state.load.leases);
  const nowMs = ctx.env.clock.now();
  const { assignments, wakeAtMs } = schedule(state.waiting.values(), agents, nowMs);
  if (wakeAtMs !== null) ctx.after("wake", Math.max(1, wakeAtMs - nowMs), "wake", {});
  if (assignments.length === 0) return;
  state.proposed = assignments.map(({ jobId }) => jobId);
  for (const jobId of state.proposed) state.waiting.delete(jobId);
  const slots = Object.fromEntries(state.slots);
  ctx.task(
    "propose",
    () => state.group.propose({ type: "assignJobs", assignments: [...assignments], slots }),
  );
}
