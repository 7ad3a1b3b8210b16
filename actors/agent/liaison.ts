/**
 * The liaison of an agent: registers it with whichever controller answers, sends its heartbeats to the
 * leader, and notices a cluster that does not know it. Attempts go on whatever becomes of it.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context, TaskEnd } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { pauseMs } from "./backoff.ts";
import type { Controllers, Leadership } from "./controllers.ts";
import { type AgentFacts, measured, measureRegistration, toldStatus } from "./measure.ts";
import type { Heartbeat, Volume } from "./registration.ts";
import type { Standing } from "./standing.ts";
import type { Tally } from "./tally.ts";
import type { Roster } from "./workers/roster.ts";

const Liaison = protocol("quorus.liaison", {
  version: 1,
  messages: {
    register: tell(z.object({})),
    beat: tell(z.object({})),
    /** A link to a controller has come up, or is gone. */
    linked: tell(z.object({ node: z.string(), isUp: z.boolean() })),
  },
});

/** What a liaison is started with. */
export interface LiaisonArgs {
  readonly agentId: string;
  readonly incarnation: string;
  readonly folder: string;
  readonly facts: AgentFacts;
  readonly protocols: readonly string[];
  readonly volumes: readonly Volume[];
  readonly controllers: Controllers;
  readonly links: Pick<Links, "peers" | "subscribe">;
  readonly standing: Standing;
  readonly tally: Tally;
  readonly limits: LimitValues<typeof ACTOR_LIMITS>;
  /** Its Workers, if it has any. */
  readonly roster: Roster | null;
  /** What has to be settled with the controllers before it registers; the same promise again and again. */
  readonly settled: () => Promise<void>;
}

interface State extends LiaisonArgs {
  readonly unsubscribe: () => void;
  /** Controllers whose links stand. */
  readonly linked: Set<string>;
  /** What is being asked, of whom. */
  asked: string | null;
  tries: number;
  heartbeatMs: number;
  sequenceNumber: number;
  lastBytes: number;
  lastMs: number | null;
  hasJoined: boolean;
}

type Registered = Leadership & { readonly refused: string | null; readonly heartbeatMs: number };
type Heard = Leadership & { readonly known?: boolean | undefined };

/** One per agent. */
export const liaison = actor(Liaison, {
  mailbox: { capacity: 256, full: "drop" },
  state: (args: LiaisonArgs, ctx: Context<typeof Liaison>): State => {
    const { standing, links, controllers, agentId, limits } = args;
    const self = ctx.self;
    const unsubscribe = links.subscribe(({ kind, peer: { node } }) => {
      if (!controllers.nodes.includes(node)) return;
      if (kind === "up" || kind === "down" || kind === "unreachable") {
        self.tell("linked", { node, isUp: kind === "up" });
      }
    });
    const up = links.peers().filter(({ state }) => state === "up").map(({ node }) => node);
    // A controller on this very node needs no link.
    const linked = new Set([...up, agentId].filter((node) => controllers.nodes.includes(node)));
    standing.happened("started", "looking for a controller");
    self.tell("register", {});
    return {
      ...args,
      unsubscribe,
      linked,
      asked: null,
      tries: 0,
      heartbeatMs: limits.heartbeatMs,
      sequenceNumber: 0,
      lastBytes: 0,
      lastMs: null,
      hasJoined: false,
    };
  },
  on: {
    register: (state, _, ctx) => register(state, ctx),
    beat: (state, _, ctx) => beat(state, ctx),
    linked: (state, { node, isUp }, ctx) => linked(state, node, isUp, ctx),
  },
  done: (state, task, ctx) => {
    const { asked } = state;
    state.asked = null;
    if (!task.ok) return unanswered(state, asked ?? "", task, ctx);
    if (task.name === "register") registered(state, task.value as Registered, ctx);
    else heard(state, task.value as Heard, ctx);
  },
  stopping: (state) => state.unsubscribe(),
});

function linked(state: State, node: string, isUp: boolean, ctx: Context<typeof Liaison>): void {
  if (!isUp) {
    state.linked.delete(node);
    return;
  }
  const wasAlone = state.linked.size === 0;
  state.linked.add(node);
  const { standing } = state;
  // After an outage of all of them it may be another cluster, or an older state of this one.
  if (wasAlone && state.hasJoined) standing.happened("unknown", "all controllers were away");
  if (!wasAlone || state.asked !== null) return;
  state.tries = 0;
  if (mustRegister(state)) register(state, ctx);
  else beat(state, ctx);
}

function mustRegister({ standing, hasJoined }: State): boolean {
  return standing.status === "registering" || (standing.status === "draining" && !hasJoined);
}

function register(state: State, ctx: Context<typeof Liaison>): void {
  if (state.asked !== null || !mustRegister(state)) return;
  const { agentId, incarnation, folder, facts, protocols, volumes, controllers, limits } = state;
  ctx.cancel("beat");
  const node = state.asked = controllers.next();
  const ref = ctx.ref(Fleet, `quorus://${node}/${FLEET_PATH}`);
  const { host } = ctx.env;
  const rest = { protocols, volumes: [...volumes] };
  ctx.task("register", async (signal) => {
    await state.settled();
    const own = await measureRegistration(host, agentId, incarnation, folder, facts, rest);
    return await ref.ask("register", own, { withinMs: limits.registerMs, signal });
  });
}

function registered(state: State, answer: Registered, ctx: Context<typeof Liaison>): void {
  const { standing, controllers, agentId } = state;
  controllers.heard(answer);
  state.tries = 0;
  if (answer.refused !== null) {
    standing.happened("broke", `the cluster does not take it: ${answer.refused}`);
    ctx.log("error", "the cluster does not take this agent: change it, and start it again", {
      agent: agentId,
      why: answer.refused,
    });
    return;
  }
  state.heartbeatMs = answer.heartbeatMs;
  standing.happened("registered", "registered");
  state.hasJoined = true;
  beat(state, ctx);
}

function beat(state: State, ctx: Context<typeof Liaison>): void {
  if (state.asked !== null || !state.hasJoined) return;
  const { controllers, limits } = state;
  state.standing.follow(state.tally.active);
  if (toldStatus(state.standing.status) === null) return;
  const node = state.asked = controllers.next();
  const ref = ctx.ref(Fleet, `quorus://${node}/${FLEET_PATH}`);
  const { env } = ctx;
  ctx.task("beat", async (signal) => {
    const heartbeat = await observe(state, env.host, env.clock.now(), env.clock.monotonic());
    return await ref.ask("heartbeat", heartbeat, { withinMs: limits.beatMs, signal });
  });
}

async function observe(
  state: State,
  host: Context["env"]["host"],
  nowMs: number,
  monotonicMs: number,
): Promise<Heartbeat> {
  const { tally, facts, standing, limits, controllers, volumes, folder } = state;
  const writable = volumes.filter(({ readOnly }) => !readOnly).map(({ path }) => path);
  const spaces = await Promise.all([folder, ...writable].map((path) => host.space(path)));
  const seen = measured({
    load: host.load(),
    cores: host.facts().cores,
    spaces,
    tally,
    bytesSince: tally.bytesTransferred - state.lastBytes,
    sinceMs: state.lastMs === null ? 0 : monotonicMs - state.lastMs,
    slots: facts.maxConcurrentTransfers,
    maxBandwidthMbps: facts.maxBandwidthMbps,
    linkedControllers: state.linked.size,
    controllers: controllers.nodes.length,
  }, limits);
  state.lastBytes = tally.bytesTransferred;
  state.lastMs = monotonicMs;
  if (seen.health.diskSpace === "full") standing.happened("sickened", "its disk is full");
  else standing.happened("recovered", "its disk has room again");
  return {
    agentId: state.agentId,
    incarnation: state.incarnation,
    timestampMs: nowMs,
    sequenceNumber: state.sequenceNumber++,
    status: toldStatus(standing.status) ?? "active",
    ...seen,
    knowsRelays: true,
    nextMaintenanceWindowMs: null,
    ...(state.roster === null ? {} : { workers: [...state.roster.views()] }),
  };
}

function heard(state: State, answer: Heard, ctx: Context<typeof Liaison>): void {
  state.controllers.heard(answer);
  state.tries = 0;
  const why = "the cluster does not know it";
  if (answer.known === false && state.standing.happened("unknown", why)) {
    ctx.log("warn", "the cluster does not know this agent: it registers again", {});
    return register(state, ctx);
  }
  // Not all agents at once, and never later than what was asked for.
  const ms = Math.ceil(state.heartbeatMs * (0.9 + 0.1 * ctx.env.random.next()));
  ctx.after("beat", ms, "beat", {});
}

/** Another controller is asked after a pause. */
function unanswered(
  state: State,
  node: string,
  task: TaskEnd & { readonly ok: false },
  ctx: Context<typeof Liaison>,
): void {
  const { limits, controllers } = state;
  ctx.log(state.tries === 0 ? "info" : "debug", "a controller does not answer", {
    what: task.name,
    controller: node,
    why: messageOf(task.error),
  });
  controllers.failed(node);
  const random = ctx.env.random.next();
  const ms = pauseMs(state.tries, limits.registerPauseMs, limits.registerPauseMostMs, random);
  state.tries += 1;
  const next = mustRegister(state) ? "register" : "beat";
  ctx.after("beat", ms, next, {});
}
