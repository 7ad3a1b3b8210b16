/** The scheduler: keeps the indexes that the state implies, and proposes assignments. It never decides. */

import { limitValues } from "../../runtime/base/limits.ts";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { LogPort } from "../../runtime/env/env.ts";
import type { Span } from "../../runtime/env/tracing.ts";
import type { Told } from "../controller/applied.ts";
import type { Command } from "../controller/commands.ts";
import type { Group } from "../controller/group.ts";
import { Scheduler } from "../controller/messages.ts";
import { originFacts } from "../controller/origin.ts";
import { IDLE, isWaiting } from "../controller/state.ts";
import type { TenantView } from "./book.ts";
import type { Candidates } from "./candidates.ts";
import { demandOf, PRIORITIES } from "./demand.ts";
import { explainWaiting } from "./explain.ts";
import { Fleet } from "./fleet.ts";
import { HostCaps, type HostSide } from "./host_caps.ts";
import { SCHEDULER_LIMITS, type SchedulerLimits } from "./limits.ts";
import type { SchedulerMeter } from "./meter.ts";
import type { PassInput } from "./pass.ts";
import { Running } from "./running.ts";
import { type Schedule, schedule } from "./schedule.ts";
import { StateClock } from "./state_clock.ts";
import { Usage } from "./usage.ts";
import { WaitingQueue } from "./waiting_queue.ts";
import { waitingReasons } from "./waiting_reasons.ts";

/** What a scheduler is started with. */
export interface SchedulerArgs {
  readonly group: Group;
  readonly candidates: Candidates;
  /** The term in which its node leads; absent in an embedded run. */
  readonly term?: number;
  readonly limits?: Partial<SchedulerLimits>;
  /** What its work is counted with. */
  readonly meter?: SchedulerMeter | undefined;
}

interface State {
  readonly group: Group;
  readonly candidates: Candidates;
  readonly term: number | undefined;
  readonly limits: SchedulerLimits;
  readonly queue: WaitingQueue;
  readonly fleet: Fleet;
  readonly running: Running;
  readonly usage: Usage;
  readonly caps: HostCaps;
  readonly log: LogPort;
  readonly clock: StateClock;
  /** When each tenant's overdue job went first the last time. */
  readonly overdueServed: Map<string, number>;
  readonly meter: SchedulerMeter | null;
  readonly unmeter: () => void;
  /** Jobs whose assignment is being committed. */
  proposed: ReadonlySet<string>;
  proposedAtMs: number;
  /** Of the jobs that are being proposed and belong to traces. */
  spans: readonly Span[];
  /** The fleet is to be looked at again soon. */
  isFleetStale: boolean;
}

/** One scheduler per group, on its leader. */
export const scheduler = actor(Scheduler, {
  mailbox: { capacity: 65_536, full: "reject" },
  state: (args: SchedulerArgs, ctx: Context<typeof Scheduler>): State => {
    const { clock, log } = ctx.env;
    const state = begin(args, new StateClock(clock, args.group.state.nowMs), log);
    propose(state, ctx);
    return state;
  },
  on: {
    committed: (state, { effects }, ctx) => {
      for (const effect of effects) noteEffect(state, effect);
      propose(state, ctx);
    },
    fleetChanged: (state, _, ctx) => {
      if (state.isFleetStale) return;
      state.isFleetStale = true;
      ctx.after("settle", state.limits.fleetSettleMs, "wake", {});
    },
    anew: (state, _, ctx) => {
      lookAtJobs(state);
      lookAtFleet(state);
      propose(state, ctx);
    },
    wake: (state, _, ctx) => {
      if (state.isFleetStale) lookAtFleet(state);
      propose(state, ctx);
    },
    explain: (state, { jobId }) => ({ lines: explain(state, jobId, nowOf(state)) }),
  },
  done: (state, task, ctx) => {
    const { proposed, spans } = state;
    state.proposed = new Set();
    state.spans = [];
    for (const jobId of proposed) note(state, jobId);
    const isTaken = task.ok && (task.value as readonly string[]).length === 0;
    state.meter?.proposed(ctx.env.clock.monotonic() - state.proposedAtMs, isTaken);
    for (const span of spans) span.end(isTaken ? undefined : "it was not taken whole");
    if (isTaken) return propose(state, ctx);
    const why = task.ok ? (task.value as readonly string[])[0] : String(task.error);
    ctx.log(task.ok ? "info" : "error", "assignments were not taken", { why });
    ctx.after("refused", state.limits.refusedPauseMs, "wake", {});
  },
  stopping: (state) => state.unmeter(),
});

/** Everything anew from the state: a scheduler may start at any time. */
function begin(
  { group, candidates, term, limits, meter }: SchedulerArgs,
  clock: StateClock,
  log: LogPort,
): State {
  const values = limitValues(SCHEDULER_LIMITS, limits);
  const state: State = {
    group,
    candidates,
    term,
    limits: values,
    queue: new WaitingQueue(),
    fleet: new Fleet(),
    running: new Running(),
    usage: new Usage(values.halfLifeMs),
    caps: new HostCaps(values),
    log,
    clock,
    overdueServed: new Map(),
    meter: meter ?? null,
    unmeter:
      meter?.begins(() => waitingReasons(passInput(state, nowOf(state)), state.queue.size)) ??
        (() => {}),
    proposed: new Set(),
    proposedAtMs: 0,
    spans: [],
    isFleetStale: false,
  };
  lookAtFleet(state);
  for (const job of group.state.jobs.values()) {
    if (job.receipt !== null) noteReceipt(state, job);
    if (job.endedMs === null) note(state, job.id);
  }
  return state;
}

/** Every job as it is now, those too that were counted and have left the state since. */
function lookAtJobs(state: State): void {
  const { group, queue, running } = state;
  const counted = [...running.jobIds(), ...[...queue.demands()].map(({ jobId }) => jobId)];
  for (const jobId of counted) note(state, jobId);
  for (const job of group.state.jobs.values()) if (job.endedMs === null) note(state, job.id);
}

function lookAtFleet(state: State): void {
  const { leases } = state.group.state.load;
  state.isFleetStale = false;
  state.fleet.refresh(state.candidates.list(), (agent) => leases.get(agent) ?? 0);
}

function noteEffect(state: State, effect: Told): void {
  if (effect.type !== "jobChanged") return;
  const { job, before } = effect;
  noteEnd(state, job, before);
  note(state, job.id);
  if (job.receipt !== null && before !== null && before.receipt === null) noteReceipt(state, job);
}

/** An attempt that has ended tells whether its hosts bear as many. */
function noteEnd(state: State, job: Ended, before: Ended | null): void {
  if (before === null) return;
  const hasFailed = job.failures > before.failures;
  const isDone = job.receipt !== null && before.receipt === null;
  if (!hasFailed && !isDone) return;
  const running = (host: string, side: HostSide) => state.running[side].get(host) ?? 1;
  const changed = state.caps.ended(job, running, mostOfHosts(state), nowOf(state));
  for (const { host, side, cap } of changed) {
    state.log.write("info", "a host is given another number of transfers", {
      ...{ host, side, most: cap?.most ?? null, why: cap?.code ?? "it has not failed any more" },
    });
  }
}

type Ended = Parameters<typeof demandOf>[0];

function noteReceipt(state: State, { tenant, receipt, endedMs }: Ended): void {
  if (receipt !== null && endedMs !== null) state.usage.add(tenant, receipt.fetchedBytes, endedMs);
}

/** Keeps the indexes in step with a job as it is now: told late or twice, it is known once. */
function note(state: State, jobId: string): void {
  const { group, queue, running, term } = state;
  const job = group.state.jobs.get(jobId);
  const before = running.agentsOf(jobId);
  running.note(jobId, job);
  for (const agent of new Set([...before, ...running.agentsOf(jobId)])) {
    state.fleet.setLeases(agent, group.state.load.leases.get(agent) ?? 0);
  }
  if (job === undefined || !isWaiting(job)) queue.remove(jobId);
  else if (!state.proposed.has(jobId)) queue.put(demandOf(job, term !== undefined));
}

/** One proposal at a time: what it changes comes back as effects before the next one is made. */
function propose(state: State, ctx: Context<typeof Scheduler>): void {
  const { queue, limits } = state;
  if (state.proposed.size > 0 || queue.size === 0) return;
  const nowMs = nowOf(state);
  queue.ripen(nowMs);
  const { clock } = ctx.env;
  const beginMs = clock.monotonic();
  const { assignments, overdueServed, wakeAtMs } = decide(state, nowMs);
  const endMs = clock.monotonic();
  state.meter?.passed(endMs - beginMs, assignments.length);
  if (wakeAtMs !== null) ctx.after("wake", Math.max(1, wakeAtMs - nowMs), "wake", {});
  if (assignments.length === 0) return;
  for (const tenant of overdueServed) state.overdueServed.set(tenant, nowMs);
  forgetServed(state, nowMs - limits.overdueMs);
  for (const { jobId, agent } of assignments) tellAssigned(state, jobId, agent, ctx);
  state.spans = spansOf(state, assignments, ctx);
  state.proposedAtMs = endMs;
  state.proposed = new Set(assignments.map(({ jobId }) => jobId));
  for (const jobId of state.proposed) queue.remove(jobId);
  ctx.task("propose", () => state.group.propose(command(state, assignments)));
}

function tellAssigned(
  { group }: State,
  jobId: string,
  agent: string,
  ctx: Context<typeof Scheduler>,
): void {
  const job = group.state.jobs.get(jobId);
  if (job === undefined) return;
  const { runId: run, tenant } = job;
  const from = originFacts(group.state.runs.get(run)?.origin);
  ctx.log("debug", "an assignment is proposed", { job: jobId, run, tenant, agent, ...from });
}

/** One for each job whose run belongs to a trace, until the group has answered. */
function spansOf(
  { group }: State,
  assignments: Schedule["assignments"],
  { env: { tracing } }: Context<typeof Scheduler>,
): Span[] {
  if (tracing === undefined) return [];
  return assignments.flatMap(({ jobId, agent }) => {
    const runId = group.state.jobs.get(jobId)?.runId ?? "";
    const parent = group.state.runs.get(runId)?.origin?.traceparent;
    const attributes = { "quorus.job": jobId, "quorus.agent": agent };
    return parent === undefined ? [] : [tracing.start("assign", { parent, attributes })];
  });
}

/** What the times of jobs are told by. */
function nowOf({ clock, group }: State): number {
  return clock.now(group.state.nowMs);
}

function decide(state: State, nowMs: number): Schedule {
  return schedule(passInput(state, nowMs));
}

function forgetServed({ overdueServed }: State, beforeMs: number): void {
  for (const [tenant, servedMs] of overdueServed) {
    if (servedMs < beforeMs) overdueServed.delete(tenant);
  }
}

function passInput(state: State, nowMs: number): PassInput {
  const { fleet, queue, running, limits } = state;
  const bytes = state.usage.at(nowMs);
  let totalBytes = 0;
  for (const amount of bytes.values()) totalBytes += amount;
  const most = mostOfHosts(state);
  return {
    fleet,
    queue,
    hosts: { source: running.source, destination: running.destination, most, caps: state.caps },
    tenant: (name) => tenantView(state, name, bytes),
    totalBytes,
    runLeases: running.runLeases,
    overdueServedMs: (tenant) => state.overdueServed.get(tenant) ?? -Infinity,
    limits,
    nowMs,
  };
}

/** Of each host, unless it bears fewer. */
function mostOfHosts({ term, limits }: State): number {
  return term === undefined ? Infinity : limits.hostTransfers;
}

function tenantView(
  { group }: State,
  name: string,
  bytes: ReadonlyMap<string, number>,
): TenantView {
  const { tenants, load } = group.state;
  const record = tenants.get(name);
  return {
    weight: record?.weight ?? 1,
    maxRunning: record?.maxConcurrentTransfers ?? null,
    ceiling: record === undefined
      ? PRIORITIES.length - 1
      : PRIORITIES.indexOf(record.priorityCeiling),
    leases: (load.tenants.get(name) ?? IDLE).leases,
    bytes: bytes.get(name) ?? 0,
  };
}

/** In a cluster the state itself knows the slots, and takes proposals of the leader's term alone. */
function command(
  { term, candidates }: State,
  assigned: Schedule["assignments"],
): Command {
  const assignments = [...assigned];
  if (term !== undefined) return { type: "assignJobs", assignments, slots: {}, term };
  const slots = candidates.list().map(({ agent, slots }) => [agent, slots]);
  return { type: "assignJobs", assignments, slots: Object.fromEntries(slots) };
}

function explain(state: State, jobId: string, nowMs: number): string[] {
  const { group, queue, fleet } = state;
  const job = group.state.jobs.get(jobId);
  if (job === undefined) return [`there is no job ${jobId}`];
  if (state.proposed.has(jobId)) return ["its assignment is being committed"];
  const demand = queue.find(jobId);
  if (demand === null) return [`job ${jobId} is ${job.state}: ${job.why}`];
  const input = {
    ...passInput(state, nowMs),
    members: () => fleet.members(),
    demands: () => queue.demands(),
  };
  return explainWaiting(input, demand);
}
