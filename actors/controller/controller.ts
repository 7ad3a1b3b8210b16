/**
 * The controller: acts on what its group has committed. It decides nothing that is not in the state,
 * so one that restarts reconciles from the state and goes on.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import type { Agent } from "../agent/messages.ts";
import type { JobFeed } from "../job/messages.ts";
import { FINAL_STATES, type Job, LEASED_STATES } from "../job/record.ts";
import type { Candidates } from "../scheduler/candidates.ts";
import { sweeper } from "../fleet/sweeper.ts";
import { warden, type WardenArgs } from "../fleet/warden.ts";
import type { SchedulerMeter } from "../scheduler/meter.ts";
import { scheduler } from "../scheduler/scheduler.ts";
import type { Actions } from "../workflow/actions.ts";
import { Tenants } from "../tenant/tenants.ts";
import { run } from "../workflow/run.ts";
import { type Told, toldOf } from "./applied.ts";
import { isWaiting } from "./state.ts";
import type { Group } from "./group.ts";
import { Controller, type Run, type Scheduler } from "./messages.ts";

/** What a controller is started with. */
export interface ControllerArgs {
  readonly group: Group;
  /** Where an agent is; null if there is none of that name. */
  readonly agents: (id: string) => Ref<typeof Agent> | null;
  /** The same agents, as the scheduler looks at them. */
  readonly candidates: Candidates;
  /** The term in which this node leads; absent in an embedded run. */
  readonly term?: number;
  /** What the scheduler's work is counted with. */
  readonly meter?: SchedulerMeter;
  /** What looks after the agents of a cluster. */
  readonly fleet?: Omit<WardenArgs, "group" | "agents" | "scheduler">;
  readonly feed: Ref<typeof JobFeed> | null;
  /** For what a run does itself at its end (clean-up, rollback). */
  readonly actions: Actions;
}

/** Jobs that one message assigns. */
const ASSIGNED_TOGETHER = 64;
/** Before a run whose actor has failed is taken up again: doubles with each failure, up to the last. */
const RUN_AGAIN_MS = 200;
const RUN_AGAIN_MOST_MS = 60_000;
/** Before the mailbox that was full is tried again. */
const ANEW_MS = 100;

/** It has missed something; it starts again, which is how it catches up. */
class ControllerError extends QuorusError<"missed"> {
  override readonly name = "ControllerError";
}

interface State extends ControllerArgs {
  readonly scheduler: Ref<typeof Scheduler>;
  readonly runs: Map<string, Ref<typeof Run>>;
  /** Run ids by the address of their actor. */
  readonly runIds: Map<string, string>;
  /** Failures of the actors of runs: one that fails for ever must not take the others with it. */
  readonly failures: Map<string, number>;
  /** Null in an embedded run, whose jobs are all admitted at once. */
  readonly tenants: Tenants | null;
  readonly unsubscribe: () => void;
}

/** The controller of one group. */
export const controller = actor(Controller, {
  mailbox: { capacity: 65_536, full: "reject" },
  children: { strategy: "oneForOne" },
  state: (args: ControllerArgs, ctx: Context<typeof Controller>): State => {
    const { group, agents, candidates, fleet } = args;
    const child = ctx.spawn(scheduler, { name: "scheduler", args });
    if (fleet !== undefined) {
      ctx.spawn(warden, { name: "warden", args: { ...fleet, group, agents, scheduler: child } });
      const { limits } = fleet;
      ctx.spawn(sweeper, { name: "sweeper", args: { group, agents, candidates, limits } });
    }
    const unsubscribe = listen(group, ctx);
    const tenants = args.term === undefined ? null : new Tenants(group);
    tenants?.begin(ctx);
    const state: State = {
      ...{ ...args, scheduler: child, tenants, unsubscribe },
      ...{ runs: new Map(), runIds: new Map(), failures: new Map() },
    };
    assignLeased(state);
    for (const one of group.state.runs.values()) {
      if (one.state === "running") takeUp(state, one.id, ctx);
    }
    return state;
  },
  on: {
    committed: (state, { effects }, ctx) => act(state, effects, ctx),
    takeUp: (state, { runId }, ctx) => follow(state, runId, ctx),
    anew: () => {
      throw new ControllerError(
        "missed",
        "act on what was committed: the mailbox was full, and some of it was missed; starting anew",
        { retryable: true },
      );
    },
  },
  ended: (state, { ref, reason }, ctx) => runEnded(state, ref.address, reason, ctx),
  stopping: (state) => state.unsubscribe(),
});

/** Hears what is committed; what its mailbox has no room for, it makes good by starting anew. */
function listen(group: Group, { self, env }: Context<typeof Controller>): () => void {
  let isOver = false;
  let hasMissed = false;
  const tellAnew = (): void => {
    if (isOver || self.tell("anew", {}) !== "full") return;
    env.timers.after(ANEW_MS, tellAnew);
  };
  const unsubscribe = group.subscribe((effects) => {
    if (self.tell("committed", { effects: toldOf(effects) }) !== "full" || hasMissed) return;
    hasMissed = true;
    tellAnew();
  });
  return () => {
    isOver = true;
    unsubscribe();
  };
}

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
  const ref = ctx.spawn(run, {
    name: `run-${runId}`,
    restart: "temporary",
    args: { group, runId, actions, slots },
  });
  ctx.watch(ref);
  state.runs.set(runId, ref);
  state.runIds.set(ref.address, runId);
}

/** Taken up again after a pause, as long as the state says that it has not ended. */
function runEnded(
  state: State,
  address: string,
  reason: "stopped" | "failed" | "unreachable",
  ctx: Context<typeof Controller>,
): void {
  const runId = state.runIds.get(address);
  if (runId === undefined) return;
  state.runIds.delete(address);
  state.runs.delete(runId);
  if (state.group.state.runs.get(runId)?.state !== "running") {
    return void state.failures.delete(runId);
  }
  const failures = (state.failures.get(runId) ?? 0) + 1;
  state.failures.set(runId, failures);
  const ms = Math.min(RUN_AGAIN_MOST_MS, RUN_AGAIN_MS * 2 ** (failures - 1));
  ctx.log("warn", "a run has not ended, its actor has: begun again", { runId, reason, failures });
  ctx.after(`again-${runId}`, ms, "takeUp", { runId });
}

/** A run that was created is taken up; one that has ended has no actor any more. */
function follow(state: State, runId: string, ctx: Context<typeof Controller>): void {
  if (state.group.state.runs.get(runId)?.state === "running") takeUp(state, runId, ctx);
}

/** Leases that an earlier incarnation of this controller may not have passed on. */
function assignLeased(state: State): void {
  assign(
    state,
    [...state.group.state.jobs.values()].filter(({ state }) => LEASED_STATES.has(state)),
  );
}

function act(state: State, effects: readonly Told[], ctx: Context<typeof Controller>): void {
  if (isForScheduler(state, effects)) state.scheduler.tell("committed", { effects: [...effects] });
  state.tenants?.follow(effects, ctx);
  const changed: Job[] = [];
  const assigned: Job[] = [];
  const settled = new Map<string, Job[]>();
  for (const effect of effects) {
    if (effect.type === "runChanged") follow(state, effect.runId, ctx);
    if (effect.type === "agentChanged") state.scheduler.tell("fleetChanged", {});
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
function isForScheduler(state: State, effects: readonly Told[]): boolean {
  // In a cluster it counts hosts and tenants too, whether anybody waits or not.
  return state.term !== undefined || state.group.state.load.waiting > 0 ||
    effects.some((effect) =>
      effect.type === "jobChanged" && (isWaiting(effect.job) || isWaiting(effect.before))
    );
}

function assign(state: State, jobs: readonly Job[]): void {
  if (jobs.length === 0) return;
  for (const [name, own] of Map.groupBy(jobs, (job) => job.lease?.agent ?? "")) {
    const ref = state.agents(name);
    // What is lost on the way is told again when the leases are compared.
    for (let at = 0; at < own.length; at += ASSIGNED_TOGETHER) {
      ref?.tell("assign", { jobs: own.slice(at, at + ASSIGNED_TOGETHER) });
    }
  }
}

function release(state: State, job: Job): void {
  const why = job.intent === "pause" ? "paused" : "cancelled";
  const agent = job.lease === null ? null : state.agents(job.lease.agent);
  agent?.tell("release", { jobIds: [job.id], why });
}
