/**
 * The warden of the fleet, on the leader: gives agents up that do not answer, takes those back that do,
 * and compares the leases that agents work on with those that were committed.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context, TaskEnd } from "../../runtime/actor/definition.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import type { Agent } from "../agent/messages.ts";
import type { AgentRecord } from "../agent/record.ts";
import type { Group } from "../controller/group.ts";
import { heldBy } from "../controller/agents.ts";
import type { Scheduler } from "../controller/messages.ts";
import { giveJobs, releaseJobs } from "../controller/orders.ts";
import type { Board } from "./board.ts";
import { type FleetLimits, judgeFleet, type Known } from "./liveness.ts";
import { Warden } from "./warden_messages.ts";

/** What a warden is started with. */
export interface WardenArgs {
  readonly group: Group;
  readonly board: Board;
  readonly links: Pick<Links, "peers" | "subscribe">;
  readonly agents: (id: string) => Ref<typeof Agent> | null;
  readonly scheduler: Ref<typeof Scheduler>;
  readonly limits: FleetLimits;
}

/** The leases that an agent works on. */
interface LeaseAnswer {
  readonly agent: string;
  readonly held: readonly { readonly jobId: string; readonly leaseIndex: number }[];
  /** Of the state when it was asked: what was committed since may still be on its way to it. */
  readonly before: number;
}

interface State extends WardenArgs {
  readonly unsubscribe: () => void;
  readonly leadsSinceMs: number;
  /** Agents whose change is being committed, by what it is. */
  readonly underWay: Set<string>;
  /** When each agent's leases were compared last. */
  readonly probedMs: Map<string, number>;
  /** Agents whose links were looked at once; from then on each change is told. */
  readonly counted: Set<string>;
  /** Links whose change found no room in the mailbox: then all are looked at again. */
  readonly missed: { links: number };
  suspects: string;
  /** False: the scheduler's mailbox was full when the fleet changed, so it is told again. */
  isFleetTold: boolean;
  heldBack: string | null;
}

/** One on the leader, beside its scheduler. */
export const warden = actor(Warden, {
  mailbox: { capacity: 16_384, full: "reject" },
  state: (args: WardenArgs, ctx: Context<typeof Warden>): State => {
    const { links } = args;
    const self = ctx.self;
    const nowMs = ctx.env.clock.monotonic();
    const counted = countLinks(args, new Set(), nowMs);
    const missed = { links: 0 };
    const unsubscribe = links.subscribe(({ kind, peer: { node } }) => {
      if (kind !== "up" && kind !== "down" && kind !== "unreachable") return;
      if (self.tell("linked", { node, isUp: kind === "up" }) === "full") missed.links += 1;
    });
    ctx.every("look", args.limits.lookMs, "look", {});
    return {
      ...args,
      unsubscribe,
      leadsSinceMs: nowMs,
      underWay: new Set(),
      probedMs: new Map(),
      ...{ counted, missed },
      suspects: "",
      // The scheduler began with what the board knew of an earlier term.
      isFleetTold: false,
      heldBack: null,
    };
  },
  on: {
    linked: (state, { node, isUp }, ctx) => {
      const { board, group, probedMs } = state;
      if (!group.state.agents.has(node)) return;
      if (isUp) board.up(node);
      else board.down(node, ctx.env.clock.monotonic());
      // What was on its way when the link broke may be lost: compare at once when it is back.
      if (isUp) probedMs.delete(node);
      state.isFleetTold = false;
      look(state, ctx);
    },
    look: (state, _, ctx) => look(state, ctx),
    why: (state) => ({ heldBack: state.heldBack }),
  },
  done: (state, task, ctx) => settled(state, task, ctx),
  stopping: ({ unsubscribe, board }) => {
    board.heldBack = null;
    unsubscribe();
  },
});

/** Who has registered through another controller may have no link to this one, and never had. */
function countLinks(
  { group, links, board }: WardenArgs,
  counted: Set<string>,
  nowMs: number,
): Set<string> {
  const { agents } = group.state;
  for (const id of counted) if (!agents.has(id)) counted.delete(id);
  if (agents.size === counted.size) return counted;
  const up = new Set(links.peers().filter(({ state }) => state === "up").map(({ node }) => node));
  for (const { id } of agents.values()) {
    if (counted.has(id)) continue;
    counted.add(id);
    if (up.has(id)) board.up(id);
    else board.down(id, nowMs);
  }
  return counted;
}

function look(state: State, ctx: Context<typeof Warden>): void {
  const nowMs = ctx.env.clock.monotonic();
  if (state.missed.links > 0) state.counted.clear();
  state.missed.links = 0;
  countLinks(state, state.counted, nowMs);
  const able = [...state.group.state.agents.values()].filter(isAble);
  const verdict = judgeFleet(
    able.map((agent) => known(state, agent)),
    nowMs,
    state.leadsSinceMs,
    state.limits,
  );
  const sick = able.filter((agent) => saysSick(state, agent)).map(({ id }) => `${id} is sick`);
  const suspects = [...verdict.suspects, ...sick].join();
  if (suspects !== state.suspects) state.isFleetTold = false;
  state.suspects = suspects;
  state.isFleetTold ||= state.scheduler.tell("fleetChanged", {}) !== "full";
  if (verdict.heldBack !== null && state.heldBack === null) {
    state.board.meter.heldBack += 1;
    ctx.log("warn", "agents are not given up", { why: verdict.heldBack });
  }
  state.heldBack = verdict.heldBack;
  state.board.heldBack = verdict.heldBack;
  for (const { agent, why } of verdict.lost) lose(state, agent, why, nowMs, ctx);
  for (const agent of state.group.state.agents.values()) tend(state, agent, nowMs, ctx);
}

function isAble({ status }: AgentRecord): boolean {
  return status === "active" || status === "draining";
}

/** The scheduler suspects it as long as its heartbeats say so. */
function saysSick({ board }: State, { id, registration }: AgentRecord): boolean {
  const heartbeat = board.sign(id)?.heartbeat;
  return heartbeat?.status === "unhealthy" && heartbeat.incarnation === registration.incarnation;
}

function known({ board }: State, { id }: AgentRecord): Known {
  return {
    agent: id,
    downSinceMs: board.downSinceMs(id),
    heardMs: board.sign(id)?.atMs ?? null,
  };
}

function lose(
  state: State,
  agent: string,
  why: string,
  nowMs: number,
  ctx: Context<typeof Warden>,
): void {
  const { board, underWay } = state;
  const incarnation = state.group.state.agents.get(agent)?.registration.incarnation;
  if (incarnation === undefined || underWay.has(`lose ${agent}`)) return;
  const silentSinceMs = board.downSinceMs(agent) ?? board.sign(agent)?.atMs;
  if (silentSinceMs !== undefined) board.meter.detection.add((nowMs - silentSinceMs) / 1_000);
  ctx.log("warn", "an agent is given up", { agent, why });
  commit(state, agent, { type: "lose", incarnation, why }, ctx);
}

const DAY_MS = 86_400_000;
/** Who holds no lease, and whose place may be taken. */
const GIVEN_UP: ReadonlySet<AgentRecord["status"]> = new Set(["unhealthy", "failed"]);

/** Takes an agent back that answers again, ends windows of maintenance, and compares leases in turn. */
function tend(state: State, agent: AgentRecord, nowMs: number, ctx: Context<typeof Warden>): void {
  const { id, status, registration, untilMs } = agent;
  if (status === "draining" && untilMs !== null && untilMs <= ctx.env.clock.now()) {
    commit(state, id, { type: "resume", why: "the maintenance window is over" }, ctx);
  }
  const absentMs = ctx.env.clock.now() - agent.changedMs;
  if (GIVEN_UP.has(status) && absentMs > state.limits.absentMs) {
    const why = `not heard of for ${Math.round(absentMs / DAY_MS)} days`;
    return commit(state, id, { type: "deregister", why }, ctx);
  }
  if (state.board.downSinceMs(id) !== null) return;
  const sign = state.board.sign(id);
  const answers = sign !== null && sign.heartbeat.incarnation === registration.incarnation &&
    nowMs - sign.atMs < state.limits.heartbeatTimeoutMs;
  if (status === "unhealthy" && answers) commit(state, id, { type: "register", registration }, ctx);
  if (status === "deregistered") return;
  if (nowMs - (state.probedMs.get(id) ?? -Infinity) < state.limits.probeMs) return;
  probe(state, id, nowMs, ctx);
}

type AgentCommand = Extract<Parameters<Group["propose"]>[0], { type: "agentEvent" }>;

function commit(
  state: State,
  agent: string,
  event: AgentCommand["event"],
  ctx: Context<typeof Warden>,
): void {
  const name = `${event.type} ${agent}`;
  if (state.underWay.has(name)) return;
  state.underWay.add(name);
  ctx.task(name, () => state.group.propose({ type: "agentEvent", agent, event }));
}

function probe(state: State, id: string, nowMs: number, ctx: Context<typeof Warden>): void {
  const name = `probe ${id}`;
  const ref = state.agents(id);
  if (ref === null || state.underWay.has(name)) return;
  state.underWay.add(name);
  state.probedMs.set(id, nowMs);
  ctx.task(name, async () => {
    // Before it answers: what is committed while it does must not look as if it had been lost.
    const before = state.group.state.index;
    const held = await ref.ask("leases", {}, { withinMs: state.limits.probeTimeoutMs });
    return { agent: id, held, before } satisfies LeaseAnswer;
  });
}

/** Assigned but not held: told again. Held but not assigned: revoked. Held but not wanted: to be let go. */
function reconcile({ group, agents }: State, { agent, held, before }: LeaseAnswer): void {
  const ref = agents(agent);
  if (ref === null) return;
  const committed = heldBy(group.state, agent);
  const works = new Set(held.map(({ jobId, leaseIndex }) => `${jobId} ${leaseIndex}`));
  const missing = committed.filter(({ id: jobId, lease }) =>
    lease !== null && lease.index <= before && !works.has(`${jobId} ${lease.index}`)
  );
  giveJobs(ref, missing, group.state);
  const valid = new Set(committed.map((job) => `${job.id} ${job.lease?.index}`));
  const over = held.filter(({ jobId, leaseIndex }) => !valid.has(`${jobId} ${leaseIndex}`));
  const why = "its lease is over";
  if (over.length > 0) ref.tell("revoke", { leases: over, why });
  releaseJobs(ref, committed);
}

function settled(state: State, task: TaskEnd, ctx: Context<typeof Warden>): void {
  state.underWay.delete(task.name);
  const isProbe = task.name.startsWith("probe ");
  if (isProbe && task.ok) reconcile(state, task.value as LeaseAnswer);
  if (!isProbe && !task.ok) {
    ctx.log("warn", "a change of an agent was not committed", { what: task.name });
  }
}
