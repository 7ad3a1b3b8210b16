/**
 * The controller: acts on what its group has committed. It decides nothing that is not in the state,
 * so one that restarts reconciles from the state and goes on.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import type { JobFeed } from "../job/messages.ts";
import { FINAL_STATES, type Job, LEASED_STATES } from "../job/record.ts";
import type { Candidates } from "../scheduler/candidates.ts";
import { scheduler } from "../scheduler/scheduler.ts";
import type { Actions } from "../workflow/actions.ts";
import { run } from "../workflow/run.ts";
import type { Effect } from "./applied.ts";
import { isWaiting } from "./state.ts";
import type { Group } from "./group.ts";
import { Controller, type Run, type Scheduler } from "./messages.ts";

/** What a controller is started with. */
export interface ControllerArgs {
  readonly group: Group;
  readonly agents: ReadonlyMap<string, Ref<typeof Agent>>;
  /** The same agents, as the scheduler looks at them. */
  readonly candidates: Candidates;
  /** The term in which this node leads; absent in an embedded run. */
  readonly term?: number;
  readonly feed: Ref<typeof JobFeed> | null;
  /** For what a run does itself at its end (clean-up, rollback). */
  readonly actions: Actions;
}

interface State extends ControllerArgs {
  readonly scheduler: Ref<typeof Scheduler>;
  readonly runs: Map<string, Ref<typeof Run>>;
  readonly unsubscribe: () => void;
}

/** The controller of one group. */
export const controller = actor(Controller, {
  mailbox: { capacity: 65_536, full: "reject" },
  children: { strategy: "oneForOne" },
  state: (args: ControllerArgs, ctx: Context<typeof Controller>): State => {
    const { group } = args;
    const child = ctx.spawn(scheduler, { name: "scheduler", args });
    const self = ctx.self;
    const unsubscribe = group.subscribe((effects) =>
      self.tell("committed", { effects: [...effects] })
    );
    const state: State = { ...args, scheduler: child, runs: new Map(), unsubscribe };
    assignLeased(state);
    for (const one of group.state.runs.values()) {
      if (one.state === "running") takeUp(state, one.id, ctx);
    }
    return state;
  },
  on: {
    committed: (state, { effects }) => act(state, effects),
    takeUp: (state, { runId }, ctx) => takeUp(state, runId, ctx),
  },
  stopping: (state) => state.unsubscribe(),
});

/** What a run may name agents by itself from: in a cluster the scheduler alone does that. */
function slotsOf({ candidates, term }: ControllerArgs): Map<string, number> {
  return term === undefined
    ? new Map(candidates.list().map(({ agent, slots }) => [agent, slots]))
    : new Map();
}

function takeUp(state: State, runId: string, ctx: Context<typeof Controller>): void {
  if (state.runs.has(runId)) return;
  const { group, actions } = state;
  const slots = slotsOf(state);
  const ref = ctx.spawn(run, { name: `run-${runId}`, args: { group, runId, actions, slots } });
  state.runs.set(runId, ref);
}

/** Leases that an earlier incarnation of this controller may not have passed on. */
function assignLeased(state: State): void {
  for (const job of state.group.state.jobs.values()) {
    if (LEASED_STATES.has(job.state)) assign(state, [job]);
  }
}

function act(state: State, effects: readonly Effect[]): void {
  if (isForScheduler(state, effects)) state.scheduler.tell("committed", { effects: [...effects] });
  const changed: Job[] = [];
  const assigned: Job[] = [];
  const settled = new Map<string, Job[]>();
  for (const effect of effects) {
    if (effect.type !== "jobChanged") continue;
    const { job, before } = effect;
    changed.push(job);
    if (job.state === "assigned" && before?.lease?.index !== job.lease?.index) assigned.push(job);
    if (LEASED_STATES.has(job.state) && job.intent !== "run") release(state, job);
    const ends = FINAL_STATES.has(job.state) || job.state === "unknown";
    if (!ends || before?.state === job.state) continue;
    const jobs = settled.get(job.runId);
    if (jobs === undefined) settled.set(job.runId, [job]);
    else jobs.push(job);
  }
  if (changed.length > 0) state.feed?.tell("changed", { jobs: changed });
  assign(state, assigned);
  for (const [runId, jobs] of settled) state.runs.get(runId)?.tell("settled", { jobs });
}

/** A job has joined or left the queue, or a slot may be free for one that waits. */
function isForScheduler(state: State, effects: readonly Effect[]): boolean {
  return state.group.state.load.waiting > 0 ||
    effects.some((effect) =>
      effect.type === "jobChanged" && (isWaiting(effect.job) || isWaiting(effect.before))
    );
}

function assign(state: State, jobs: readonly Job[]): void {
  if (jobs.length === 0) return;
  for (const [name, ref] of state.agents) {
    const own = jobs.filter((job) => job.lease?.agent === name);
    if (own.length > 0) ref.tell("assign", { jobs: own });
  }
}

function release(state: State, job: Job): void {
  const why = job.intent === "pause" ? "paused" : "cancelled";
  const agent = job.lease === null ? undefined : state.agents.get(job.lease.agent);
  agent?.tell("release", { jobIds: [job.id], why });
}
