/**
 * The controller: acts on what its group has committed. It decides nothing that is not in the state,
 * so one that restarts reconciles from the state and goes on.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { messageOf, QuorusError } from "../../runtime/base/errors.ts";
import type { Agent } from "../agent/messages.ts";
import type { JobFeed } from "../job/messages.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { FINAL_STATES, type Job, LEASED_STATES } from "../job/record.ts";
import type { Candidates } from "../scheduler/candidates.ts";
import { sweeper } from "../fleet/sweeper.ts";
import { warden, type WardenArgs } from "../fleet/warden.ts";
import type { SchedulerLimits } from "../scheduler/limits.ts";
import type { SchedulerMeter } from "../scheduler/meter.ts";
import { scheduler } from "../scheduler/scheduler.ts";
import type { Actions } from "../workflow/actions.ts";
import type { TenantLimits } from "../tenant/limits.ts";
import { divider } from "../bandwidth/divider.ts";
import { Tenants } from "../tenant/tenants.ts";
import { run } from "../workflow/run.ts";
import { type Told, toldOf } from "./applied.ts";
import { heldBy } from "./agents.ts";
import { Missed } from "./missed.ts";
import { giveJobs, releaseJobs } from "./orders.ts";
import { isWaiting } from "./state.ts";
import type { Group } from "./group.ts";
import { CONTROLLER_LIMITS, type ControllerLimits } from "./limits.ts";
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
  /** Overrides of single limits of its parts. */
  readonly limits?: {
    readonly scheduler?: Partial<SchedulerLimits> | undefined;
    readonly tenants?: Partial<TenantLimits> | undefined;
    readonly controller?: Partial<ControllerLimits> | undefined;
  };
  /** What the scheduler's work is counted with. */
  readonly meter?: SchedulerMeter;
  /** What looks after the agents of a cluster. */
  readonly fleet?: Omit<WardenArgs, "group" | "agents" | "scheduler">;
  readonly feed: Ref<typeof JobFeed> | null;
  /** For what a run does itself at its end (clean-up, rollback). */
  readonly actions: Actions;
}

/** Before a run whose actor has failed is taken up again: doubles with each failure, up to the last. */
const RUN_AGAIN_MS = 200;
const RUN_AGAIN_MOST_MS = 60_000;

/** It has missed something; it starts again, which is how it catches up. */
class ControllerError extends QuorusError<"missed"> {
  override readonly name = "ControllerError";
}

interface State extends ControllerArgs {
  readonly times: ControllerLimits;
  readonly scheduler: Ref<typeof Scheduler>;
  readonly runs: Map<string, Ref<typeof Run>>;
  /** Run ids by the address of their actor. */
  readonly runIds: Map<string, string>;
  /** Failures of the actors of runs: one that fails for ever must not take the others with it. */
  readonly failures: Map<string, number>;
  /** Null in an embedded run, whose jobs are all admitted at once. */
  readonly tenants: Tenants | null;
  /** Children and agents whose mailboxes were full. */
  readonly missed: Missed;
  readonly unsubscribe: () => void;
}

/** The controller of one group. */
export const controller = actor(Controller, {
  mailbox: { capacity: 65_536, full: "reject" },
  children: { strategy: "oneForOne" },
  state: (args: ControllerArgs, ctx: Context<typeof Controller>): State => {
    const { group, agents, candidates, fleet, limits: of = {} } = args;
    const { limits: _, ...rest } = args;
    const child = ctx.spawn(scheduler, {
      name: "scheduler",
      args: of.scheduler === undefined ? rest : { ...rest, limits: of.scheduler },
    });
    if (fleet !== undefined) {
      ctx.spawn(warden, { name: "warden", args: { ...fleet, group, agents, scheduler: child } });
      ctx.spawn(divider, { name: "divider", args: { group, agents } });
      const { limits } = fleet;
      ctx.spawn(sweeper, { name: "sweeper", args: { group, agents, candidates, limits } });
    }
    const limits = limitValues(CONTROLLER_LIMITS, of.controller);
    const missed = new Missed(ctx.env, limits.missedPauseMs);
    const unsubscribe = listen(group, missed, ctx);
    const tenants = args.term === undefined ? null : new Tenants(group, missed, of.tenants);
    tenants?.begin(ctx);
    const state: State = {
      ...{ ...args, times: limits, scheduler: child, tenants, missed, unsubscribe },
      ...{ runs: new Map(), runIds: new Map(), failures: new Map() },
    };
    // Nobody submits in parts to an embedded run.
    if (args.term !== undefined) ctx.every("tidy", limits.stagedLookMs, "tidy", {});
    assignLeased(state);
    for (const one of group.state.runs.values()) {
      if (one.state === "running") takeUp(state, one.id, ctx);
    }
    return state;
  },
  on: {
    committed: (state, { effects }, ctx) => act(state, effects, ctx),
    takeUp: (state, { runId }, ctx) => follow(state, runId, ctx),
    tidy: (state, _, ctx) => tidy(state, ctx),
    anew: () => {
      throw new ControllerError(
        "missed",
        "act on what was committed: the mailbox was full, and some of it was missed; starting anew",
        { retryable: true },
      );
    },
  },
  done: (_, task, ctx) => {
    if (!task.ok) ctx.log("warn", "parts of runs are left over", { why: messageOf(task.error) });
  },
  ended: (state, { ref, reason }, ctx) => runEnded(state, ref.address, reason, ctx),
  stopping: (state) => state.unsubscribe(),
});

/** Parts of runs whose submitter is gone for good; what is refused or fails is tried again later. */
function tidy({ group, times }: State, ctx: Context<typeof Controller>): void {
  const beforeMs = ctx.env.clock.now() - times.stagedMs;
  const isLeft = [...group.state.staged.values()].some(({ stagedMs }) => stagedMs < beforeMs);
  if (isLeft) ctx.task("tidy", () => group.propose({ type: "dropStaged", beforeMs }));
}

/** Hears what is committed; what its mailbox has no room for, it makes good by starting anew. */
function listen(group: Group, missed: Missed, { self }: Context<typeof Controller>): () => void {
  const anew = () => self.tell("anew", {});
  const unsubscribe = group.subscribe((effects) =>
    missed.note("controller", self.tell("committed", { effects: toldOf(effects) }), anew)
  );
  return () => {
    missed.stop();
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
  // A controller that stops stops its runs first.
  const level = reason === "stopped" ? "debug" : "warn";
  ctx.log(level, "a run has not ended, its actor has: begun again", { runId, reason, failures });
  ctx.after(`again-${runId}`, ms, "takeUp", { runId });
}

/** A run that was created is taken up; one that has ended has no actor any more. */
function follow(state: State, runId: string, ctx: Context<typeof Controller>): void {
  if (state.group.state.runs.get(runId)?.state === "running") takeUp(state, runId, ctx);
}

/** Leases that an earlier incarnation of this controller may not have passed on. */
function assignLeased(state: State): void {
  const { group } = state;
  for (const agent of group.state.load.held.keys()) {
    order(state, heldBy(group.state, agent), giveJobs);
  }
}

function act(state: State, effects: readonly Told[], ctx: Context<typeof Controller>): void {
  const { scheduler, missed } = state;
  const schedulerAnew = () => scheduler.tell("anew", {});
  if (isForScheduler(state, effects)) {
    const told = scheduler.tell("committed", { effects: [...effects] });
    missed.note("scheduler", told, schedulerAnew);
  }
  state.tenants?.follow(effects, ctx);
  const changed: Job[] = [];
  const assigned: Job[] = [];
  const released: Job[] = [];
  const settled = new Map<string, Job[]>();
  for (const effect of effects) {
    if (effect.type === "runChanged") follow(state, effect.runId, ctx);
    if (effect.type === "agentChanged") {
      missed.note("scheduler", scheduler.tell("fleetChanged", {}), schedulerAnew);
    }
    if (effect.type !== "jobChanged") continue;
    const { job, before } = effect;
    changed.push(job);
    if (job.state === "assigned" && before?.lease?.index !== job.lease?.index) assigned.push(job);
    if (LEASED_STATES.has(job.state) && job.intent !== "run") released.push(job);
    const ends = FINAL_STATES.has(job.state) || job.state === "unknown";
    if (!ends || before?.state === job.state) continue;
    const jobs = settled.get(job.runId);
    if (jobs === undefined) settled.set(job.runId, [job]);
    else jobs.push(job);
  }
  if (changed.length > 0) state.feed?.tell("changed", { jobs: changed });
  order(state, assigned, giveJobs);
  order(state, released, releaseJobs);
  for (const [runId, jobs] of settled) {
    const ref = state.runs.get(runId);
    if (ref === undefined) continue;
    missed.note(ref.address, ref.tell("settled", { jobs }), () => ref.tell("anew", {}));
  }
}

/** A job has joined or left the queue, or a slot may be free for one that waits. */
function isForScheduler(state: State, effects: readonly Told[]): boolean {
  // In a cluster it counts hosts and tenants too, whether anybody waits or not.
  return state.term !== undefined || state.group.state.load.waiting > 0 ||
    effects.some((effect) =>
      effect.type === "jobChanged" && (isWaiting(effect.job) || isWaiting(effect.before))
    );
}

/** Tells the agents that have the leases of these jobs; one without room is told all of its jobs anew. */
function order(state: State, jobs: readonly Job[], tell: typeof giveJobs): void {
  if (jobs.length === 0) return;
  const { group, missed } = state;
  for (const [name, own] of Map.groupBy(jobs, (job) => job.lease?.agent ?? "")) {
    const ref = state.agents(name);
    if (ref === null) continue;
    missed.note(`agent ${name}`, tell(ref, own, group.state), () => {
      const held = heldBy(group.state, name);
      const given = giveJobs(ref, held, group.state);
      return given === "full" ? given : releaseJobs(ref, held);
    });
  }
}
