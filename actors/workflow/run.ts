/**
 * The actor of one run: carries the workflow's order into proposals. What it knows beyond the state
 * (frontier, results) is derived from the state when it starts, so it can be restarted at any time.
 */

import { errorData } from "../../runtime/base/errors.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { LogPort } from "../../runtime/env/env.ts";
import { evaluateCondition } from "../../workflows/condition.ts";
import { Frontier } from "../../workflows/frontier.ts";
import type { Plan, PlannedTransfer, StepResult } from "../../workflows/plan.ts";
import { resolveTransfer, type RunFailure } from "../../workflows/resolve.ts";
import { type Move, skipText } from "../../workflows/strategy.ts";
import type { Command } from "../controller/commands.ts";
import type { Group } from "../controller/group.ts";
import { Run } from "../controller/messages.ts";
import { type Origin, originFacts } from "../controller/origin.ts";
import { ENDED_WELL } from "../controller/runs.ts";
import type { Run as RunRecord } from "../controller/state.ts";
import { atOnce } from "../scheduler/at_once.ts";
import { rankOf } from "../scheduler/demand.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { type Actions, performActions } from "./actions.ts";
import { isComplete } from "./complete.ts";
import { jobIdOf } from "./first_jobs.ts";
import { hasSettled, settledState, skippedResult, stepResult, stepStates } from "./steps.ts";

const LIMITS = limitValues(ACTOR_LIMITS);

/** What the actor of a run is started with. */
export interface RunArgs {
  readonly group: Group;
  readonly runId: string;
  /** For what it does itself at its end. */
  readonly actions: Actions;
  /** Slots by agent, for jobs that need not wait for the scheduler. */
  readonly slots: ReadonlyMap<string, number>;
}

type Submission = Command & { type: "submitJobs" };

interface State extends RunArgs {
  readonly plan: Plan;
  readonly origin: Origin | undefined;
  readonly byName: ReadonlyMap<string, { planned: PlannedTransfer; index: number }>;
  readonly frontier: Frontier;
  readonly results: Record<string, StepResult>;
  failure: RunFailure | null;
  /** Decided but not yet proposed. */
  jobs: Submission["jobs"];
  skipped: Submission["skipped"];
  submitting: boolean;
  outcome: "succeeded" | "failed" | null;
  ending: boolean;
}

/** One run; a child of its controller. */
export const run = actor(Run, {
  mailbox: { capacity: 65_536, full: "reject" },
  state: (args: RunArgs, ctx: Context<typeof Run>): State => {
    const state = takeUp(args);
    tell(state, "a run is taken up", { transfers: state.plan.transfers.length }, ctx);
    expireInTime(state, ctx);
    take(state, state.frontier.begin());
    proceed(state, ctx);
    return state;
  },
  on: {
    settled: (state, { jobs }, ctx) => {
      for (const job of jobs) settle(state, job.spec.name, stepResult(job), settledState(job));
      proceed(state, ctx);
    },
    anew: (state, _, ctx) => {
      const { group, runId } = state;
      for (const [name, jobId] of recordOf(group, runId).jobs) {
        const job = group.state.jobs.get(jobId);
        if (job !== undefined && hasSettled(job)) {
          settle(state, name, stepResult(job), settledState(job));
        }
      }
      proceed(state, ctx);
    },
    expire: (state, _, ctx) => {
      const why = `the run did not end within its timeout of ${state.plan.timeoutMs} ms`;
      state.failure ??= { message: why, code: "runTimeout", transfer: "" };
      ctx.task(
        "expire",
        () => state.group.propose({ type: "intendRun", runId: state.runId, intent: "cancel", why }),
      );
    },
  },
  done: (state, task, ctx) => {
    if (!task.ok) throw task.error;
    if (task.name === "submit") submitted(state, task.value as readonly string[]);
    if (task.name === "end") {
      const outcome = state.group.state.runs.get(state.runId)?.state ?? state.outcome;
      tell(state, "a run has ended", { outcome }, ctx);
      ctx.stop();
    } else proceed(state, ctx);
  },
});

function takeUp(args: RunArgs): State {
  const { group, runId } = args;
  const record = recordOf(group, runId);
  const { plan, origin } = record;
  const results: Record<string, StepResult> = {};
  const state: State = {
    ...args,
    plan,
    origin,
    byName: new Map(plan.transfers.map((planned, index) => [planned.name, { planned, index }])),
    frontier: new Frontier(plan, stepStates(record, (jobId) => group.state.jobs.get(jobId))),
    results,
    failure: null,
    jobs: [],
    skipped: [],
    submitting: false,
    outcome: null,
    ending: false,
  };
  for (const [name, { why, failed }] of record.skipped) results[name] = skippedResult(why, failed);
  for (const [name, jobId] of record.jobs) {
    const job = group.state.jobs.get(jobId);
    if (job === undefined || state.frontier.states.get(name) === "running") continue;
    results[name] = stepResult(job);
    noteFailure(state, name);
  }
  return state;
}

/** Who runs it himself sees it anyway; what a request has submitted is for the log. */
function tell(
  { runId, plan, origin }: State,
  message: string,
  facts: Readonly<Record<string, unknown>>,
  ctx: Context<typeof Run>,
): void {
  const about = { run: runId, tenant: plan.tenant, ...originFacts(origin) };
  ctx.log(origin === undefined ? "debug" : "info", message, { ...about, ...facts });
}

function recordOf(group: Group, runId: string): RunRecord {
  const record = group.state.runs.get(runId);
  if (record === undefined) throw new TypeError(`no run ${runId} in the state`);
  return record;
}

function expireInTime(state: State, ctx: Context<typeof Run>): void {
  const { timeoutMs } = state.plan;
  if (timeoutMs === null) return;
  const { createdMs } = recordOf(state.group, state.runId);
  const leftMs = Math.max(1, createdMs + timeoutMs - ctx.env.clock.now());
  ctx.after("expire", leftMs, "expire", {});
}

/** Follows the frontier until it asks for nothing more: conditions and failures settle at once. */
function take(state: State, first: Move): void {
  const moves: Move[] = [first];
  for (let move = moves.shift(); move !== undefined; move = moves.shift()) {
    for (const { name, why } of move.skip) note(state, name, skipText(why), false);
    for (const name of move.start) {
      const next = start(state, name);
      if (next !== null) moves.push(next);
    }
    if (move.ended !== null) state.outcome = move.ended;
  }
}

/** Makes a transfer a job, or settles it because its condition or its texts say so. */
function start(state: State, name: string): Move | null {
  const found = state.byName.get(name);
  if (found === undefined) throw new TypeError(`no transfer ${name} in the plan`);
  if (recordOf(state.group, state.runId).intent === "cancel") {
    note(state, name, "the run was cancelled", false);
    return state.frontier.settle(name, "cancelled");
  }
  try {
    const { planned, index } = found;
    if (planned.condition !== null && !evaluateCondition(planned.condition, state.results)) {
      note(state, name, `its condition is false: ${planned.condition.text}`, false);
      return state.frontier.settle(name, "skipped");
    }
    const jobId = jobIdOf(state.runId, index);
    state.jobs.push(
      isComplete(planned.template)
        ? { jobId, transfer: index }
        : { jobId, spec: resolveTransfer(planned, state.results) },
    );
    return null;
  } catch (error) {
    note(state, name, errorData(error).message, true);
    return state.frontier.settle(name, "failed");
  }
}

function note(state: State, name: string, why: string, failed: boolean): void {
  state.skipped.push({ name, why, failed });
  state.results[name] = skippedResult(why, failed);
  noteFailure(state, name);
}

function noteFailure(state: State, name: string): void {
  const error = state.results[name]?.error;
  if (error === null || error === undefined) return;
  state.failure ??= { message: error.message, code: error.code, transfer: name };
}

function settle(
  state: State,
  name: string,
  result: StepResult,
  as: ReturnType<typeof settledState>,
): void {
  if (state.frontier.states.get(name) !== "running") return;
  state.results[name] = result;
  if (as === "failed") noteFailure(state, name);
  take(state, state.frontier.settle(name, as));
}

/** What was submitted is in the state now; transfers that could not become jobs have failed. */
function submitted(state: State, refused: readonly string[]): void {
  state.submitting = false;
  if (refused.length === 0) return;
  for (const [name, { why, failed }] of recordOf(state.group, state.runId).skipped) {
    if (failed) settle(state, name, skippedResult(why, failed), "failed");
  }
}

/**
 * The most urgent first, each with the agent that takes it at once: if nobody waits and a slot is free. In
 * a cluster there are no slots to be had here: the scheduler alone names agents.
 */
function withAgents({ group, slots, plan }: State, jobs: Submission["jobs"]): Submission["jobs"] {
  const { load } = group.state;
  if (load.waiting > 0 || slots.size === 0) return jobs;
  const rank = (job: Submission["jobs"][number]) =>
    rankOf("spec" in job ? job.spec : plan.transfers[job.transfer]?.template ?? {});
  const ordered = jobs.toSorted((a, b) => rank(b) - rank(a));
  const agents = atOnce(ordered.map(({ jobId }) => jobId), slots, load.leases);
  return ordered.map((job) => {
    const agent = agents.get(job.jobId);
    return agent === undefined ? job : { ...job, agent };
  });
}

/** The first of these, at least one where there is any, that are not longer than that together. */
function within<T>(items: readonly T[], bytes: number): T[] {
  let left = bytes;
  const end = items.findIndex((item, index) => {
    left -= JSON.stringify(item).length;
    return left < 0 && index > 0;
  });
  return end < 0 ? [...items] : items.slice(0, end);
}

/** Proposes what was decided, one proposal at a time; ends the run when nothing is left. */
function proceed(state: State, ctx: Context<typeof Run>): void {
  if (state.submitting || state.ending) return;
  const { jobs, skipped, runId, group } = state;
  if (jobs.length + skipped.length > 0) {
    const now = within(jobs, LIMITS.submitBytes);
    const noted = within(skipped, LIMITS.submitBytes);
    state.jobs = jobs.slice(now.length);
    state.skipped = skipped.slice(noted.length);
    state.submitting = true;
    const slots = Object.fromEntries(state.slots);
    const submission = withAgents(state, now);
    ctx.task(
      "submit",
      () => group.propose({ type: "submitJobs", runId, jobs: submission, skipped: noted, slots }),
    );
    return;
  }
  if (state.outcome === null) return;
  state.ending = true;
  const { log } = ctx.env;
  ctx.task("end", (signal) => end(state, state.outcome ?? "failed", log, signal));
}

async function end(
  state: State,
  outcome: "succeeded" | "failed",
  log: LogPort,
  signal: AbortSignal,
): Promise<void> {
  const { plan, group, runId, results, actions } = state;
  const record = recordOf(group, runId);
  // With its job, by the command that ended that.
  if (record.state !== "running") return;
  const failure = outcome === "succeeded"
    ? null
    : state.failure ?? { message: "the run was cancelled", code: "cancelled", transfer: "" };
  const wanted = failure === null ? plan.onSuccess : plan.onFailure;
  const failedJobs = [...record.jobs.values()].map((jobId) => group.state.jobs.get(jobId))
    .filter((job) => job !== undefined).filter((job) => job.state !== "succeeded");
  await performActions(wanted, { results, failure, failedJobs, actions, log, signal });
  const cancelled = record.intent === "cancel" && failure?.code !== "runTimeout";
  await group.propose({
    type: "endRun",
    runId,
    outcome: cancelled ? "cancelled" : outcome,
    why: failure === null ? ENDED_WELL : failure.message,
  });
}
