/** The agent: carries out the attempts it was given leases for, one child actor each. */

import { actor } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import { job } from "../job/job.ts";
import type { Job, JobFeed } from "../job/messages.ts";
import type { Job as JobRecord, Lease } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import type { FileAction } from "../workflow/actions.ts";
import { localActions } from "../workflow/local_actions.ts";
import { bandwidthLimits } from "../bandwidth/limits.ts";
import { AgentError } from "./errors.ts";
import { OwnRates } from "./own_rates.ts";
import { Agent, type LeaseOf } from "./messages.ts";
import type { Volume } from "./registration.ts";
import { mayClean } from "./volumes.ts";
import { Tally } from "./tally.ts";
import { attemptName, distantJob } from "./workers/distant_job.ts";
import type { Roster } from "./workers/roster.ts";

/** What an agent is started with. */
export interface AgentArgs {
  readonly tools: AttemptTools;
  readonly feed: Ref<typeof JobFeed> | null;
  /** Its part in a cluster; an embedded run has none. */
  readonly cluster?: AgentOfCluster;
}

/** What an agent of a cluster has besides. */
export interface AgentOfCluster {
  /** Of this life of its process: leases of earlier ones are not its own. */
  readonly incarnation: string;
  /** Nodes whose orders it takes. */
  readonly controllers: { has(node: string): boolean };
  readonly tally: Tally;
  readonly volumes: readonly Volume[];
  /** Its Workers carry the attempts out; `null`: this thread does. */
  readonly roster: Roster | null;
}

interface Attempt {
  readonly ref: Ref<typeof Job>;
  readonly job: JobRecord;
  readonly lease: Lease;
  /** The next lease of the same job: its attempt begins when this one has certainly ended. */
  next: JobRecord | null;
}

interface State extends AgentArgs {
  readonly tally: Tally;
  /** By job id. */
  readonly attempts: Map<string, Attempt>;
  /** Job ids by the address of their actor. */
  readonly jobIds: Map<string, string>;
  /** The newest lease of each job whose attempt has ended, the oldest end first. */
  readonly finished: Map<string, Lease>;
  closed: boolean;
  /** `null` where nothing bounds the bandwidth. */
  readonly rates: OwnRates | null;
}

/** How often what may be used is divided anew among threads: transfers come and go. */
const DIVIDE_MS = bandwidthLimits.divideMs;

/** One agent of the embedded node or of the fleet. */
export const agent = actor(Agent, {
  mailbox: { capacity: 4_096, full: "wait" },
  children: { strategy: "oneForOne" },
  state: (args: AgentArgs, ctx: Context<typeof Agent>): State => {
    const { cluster, tools: { throttles } } = args;
    const roster = cluster?.roster ?? null;
    if (roster !== null) ctx.every("divide", DIVIDE_MS, "divide", {});
    return {
      ...args,
      tally: cluster?.tally ?? new Tally(),
      attempts: new Map(),
      jobIds: new Map(),
      finished: new Map(),
      closed: false,
      rates: throttles === undefined ? null : new OwnRates(throttles, roster),
    };
  },
  on: {
    assign: (state, { jobs }, ctx) => {
      if (!isOrdered(state, "assign", ctx)) return;
      for (const assigned of jobs) begin(state, assigned, ctx);
    },
    release: (state, { jobIds, why }, ctx) => {
      if (!isOrdered(state, "release", ctx)) return;
      for (const jobId of jobIds) state.attempts.get(jobId)?.ref.tell("release", { why });
    },
    revoke: (state, { leases, why }, ctx) => {
      if (!isOrdered(state, "revoke", ctx)) return;
      for (const one of leases) revoke(state, one, why);
    },
    rates: (state, told, ctx) => {
      if (isOrdered(state, "rates", ctx)) state.rates?.set(told, runningJobs(state));
    },
    divide: (state) => state.rates?.divide(runningJobs(state)),
    call: (state, { node, url }, ctx) => {
      if (isOrdered(state, "call", ctx)) state.tools.relaying?.call(node, url);
    },
    close: (state, { why }, ctx) => {
      if (!isOrdered(state, "close", ctx)) return;
      state.closed = true;
      for (const attempt of state.attempts.values()) {
        attempt.next = null;
        attempt.ref.tell("release", { why });
      }
    },
    leases: (state) =>
      [...state.attempts].map(([jobId, { lease }]) => ({ jobId, leaseIndex: lease.index })),
    perform: ({ tools, cluster }, { action, failedJobs }, ctx) => {
      const { senderNode } = ctx;
      return later(async (signal) => {
        mayPerform(action, cluster ?? null, senderNode);
        return { ...await localActions(tools).perform(action, failedJobs, signal) };
      });
    },
  },
  ended: (state, { ref, reason }, ctx) => {
    const jobId = state.jobIds.get(ref.address);
    if (jobId === undefined) return;
    state.jobIds.delete(ref.address);
    const attempt = state.attempts.get(jobId);
    if (attempt === undefined) return;
    state.attempts.delete(jobId);
    // One that failed was never reported: it may be begun again.
    if (reason === "stopped") remember(state, jobId, attempt.lease);
    state.tally.ended();
    state.tally.meter.ended(jobId);
    if (attempt.next !== null) begin(state, attempt.next, ctx);
  },
});

function runningJobs({ attempts }: State): readonly JobRecord[] {
  return [...attempts.values()].map(({ job }) => job);
}

/** From a controller, or from the agent's own node. */
function isOrdered(state: State, what: string, ctx: Context<typeof Agent>): boolean {
  const { senderNode } = ctx;
  if (state.cluster?.controllers.has(senderNode) !== false) return true;
  if (ctx.self.address.startsWith(`quorus://${senderNode}/`)) return true;
  ctx.log("warn", "an order of a node that is no controller is not followed", { what, senderNode });
  return false;
}

/** Throws `refused` for who is no controller, and for files beyond the agent's volumes. */
function mayPerform(
  action: FileAction,
  cluster: AgentOfCluster | null,
  senderNode: string,
): void {
  if (cluster === null) return;
  if (!cluster.controllers.has(senderNode)) {
    throw new AgentError("refused", `perform ${action.type}: ${senderNode} is no controller`);
  }
  if (action.type !== "cleanup" || mayClean(cluster.volumes, action.target)) return;
  throw new AgentError(
    "refused",
    `clean up ${action.target}: it is on no volume that this agent may write to`,
  );
}

/** A lease of an earlier life may be told before the cluster knows of this one. */
function isOfThisLife({ cluster }: State, { incarnation }: Lease): boolean {
  return cluster === undefined || incarnation === undefined || incarnation === cluster.incarnation;
}

function begin(state: State, assigned: JobRecord, ctx: Context<typeof Agent>): void {
  const { lease } = assigned;
  if (lease === null || state.closed || !isOfThisLife(state, lease)) return;
  const finished = state.finished.get(assigned.id);
  if (finished !== undefined && !isNewer(lease, finished)) return;
  const running = state.attempts.get(assigned.id);
  if (running !== undefined) {
    if (!isNewer(lease, running.next?.lease ?? running.lease)) return;
    running.next = assigned;
    running.ref.tell("revoke", { why: "the job has a later lease" });
    return;
  }
  const ref = spawnAttempt(state, assigned, ctx);
  ctx.watch(ref);
  state.tally.began();
  state.tally.meter.began(assigned);
  state.attempts.set(assigned.id, { ref, job: assigned, lease, next: null });
  state.jobIds.set(ref.address, assigned.id);
}

function spawnAttempt(
  { tools, feed, tally, cluster }: State,
  assigned: JobRecord,
  ctx: Context<typeof Agent>,
): Ref<typeof Job> {
  const isRelayed = assigned.lease?.reader !== undefined;
  // Links with other agents belong to this thread, and so do the attempts that need them.
  const roster = isRelayed ? null : cluster?.roster ?? null;
  const base = { job: assigned, tools: isRelayed ? withoutMost(tools) : tools, tally };
  // Its tools say which files are too long for this thread.
  const elsewhere = roster === null ? {} : {
    elsewhere: (attempt: Context<typeof Job>) =>
      attempt.spawn(distantJob, {
        name: "away",
        restart: "temporary",
        args: { ...base, roster },
      }),
  };
  return ctx.spawn(job, {
    name: attemptName(assigned),
    restart: "temporary",
    args: { ...base, feed, ...elsewhere },
  });
}

/** Files of any length are carried out here. */
function withoutMost({ mostBytes: _, ...tools }: AttemptTools): AttemptTools {
  return tools;
}

/** The greater token: a later assignment, or one of a restored state. */
function isNewer(lease: Lease, than: Lease): boolean {
  return lease.epoch !== than.epoch ? lease.epoch > than.epoch : lease.index > than.index;
}

function revoke(state: State, { jobId, leaseIndex }: LeaseOf, why: string): void {
  const attempt = state.attempts.get(jobId);
  if (attempt === undefined) return;
  if (attempt.next?.lease?.index === leaseIndex) attempt.next = null;
  if (attempt.lease.index === leaseIndex) attempt.ref.tell("revoke", { why });
}

function remember(state: State, jobId: string, lease: Lease): void {
  const { finished, tools } = state;
  finished.delete(jobId);
  finished.set(jobId, lease);
  if (finished.size <= tools.limits.finishedLeases) return;
  for (const oldest of finished.keys()) {
    finished.delete(oldest);
    break;
  }
}
