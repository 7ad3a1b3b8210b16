/**
 * The door of a controller for agents. It keeps what it hears on the board of its node; what must survive
 * it commits, and answers when that is done. Nobody speaks for another agent: the link proves who asks.
 */

import { actor } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { BodyOf } from "../../runtime/actor/protocol.ts";
import { QuorusError } from "../../runtime/base/errors.ts";
import { Agent, AGENT_PATH } from "../agent/messages.ts";
import type { Heartbeat, Registration } from "../agent/registration.ts";
import { RELAYS } from "../controller/entry_version.ts";
import type { Replica } from "../controller/replica.ts";
import type { JobEvent } from "../job/lifecycle.ts";
import { type Job, LEASED_STATES } from "../job/record.ts";
import type { Board } from "./board.ts";
import type { FleetLimits } from "./liveness.ts";
import { commitReports } from "./reports.ts";
import { Fleet, FLEET_PATH } from "./messages.ts";

/** What a fleet door is started with. */
export interface FleetArgs {
  readonly replica: Replica;
  readonly board: Board;
  /** The other controllers, to whom the leader passes progress on. */
  readonly controllers: () => readonly string[];
  readonly limits: FleetLimits;
}

type Reported = BodyOf<typeof Fleet, "report">["events"][number]["event"];

/** What an agent may say of a job; the rest is for operators and for `apply`. */
const OF_AGENTS: ReadonlySet<JobEvent["type"]> = new Set<JobEvent["type"]>([
  "phase",
  "grant",
  "notPublished",
  "succeed",
  "fail",
  "ambiguous",
  "release",
  "handBack",
  "progress",
  "files",
  "recall",
]);

/** An agent spoke for another one, or of what is not its own. */
export class FleetError extends QuorusError<"notYours"> {
  override readonly name = "FleetError";
}

/** One on every controller. */
export const fleet = actor(Fleet, {
  mailbox: { capacity: 8_192, full: "wait" },
  state: (args: FleetArgs) => args,
  on: {
    register: ({ replica, limits }, registration, ctx) => {
      const { agentId } = registration;
      const { senderNode } = ctx;
      return later(async () => {
        checkItself(agentId, senderNode);
        const known = replica.version < RELAYS ? withoutRelays(registration) : registration;
        const event = { type: "register", registration: known } as const;
        const refused = await replica.propose({ type: "agentEvent", agent: agentId, event });
        return {
          ...leadershipOf(replica),
          refused: refused.length === 0 ? null : refused.join("; "),
          heartbeatMs: limits.heartbeatMs,
        };
      });
    },
    heartbeat: ({ replica, board }, sign, ctx) => {
      const { senderNode } = ctx;
      if (sign.agentId !== senderNode) {
        return later(async () => {
          checkItself(sign.agentId, senderNode);
          return leadershipOf(replica);
        });
      }
      board.heard(sign, ctx.env.clock.monotonic());
      return { ...leadershipOf(replica), known: isKnown(replica, sign) };
    },
    report: ({ replica }, { agentId, events }, ctx) => {
      const { senderNode } = ctx;
      return later(async () => {
        checkItself(agentId, senderNode);
        for (const { jobId, event } of events) checkOwn(agentId, jobId, event);
        return { refused: await commitReports(replica, events) };
      });
    },
    progress: ({ replica, board, controllers }, { jobs }, ctx) => {
      const { senderNode, env } = ctx;
      const { isLeader, leader, state } = replica;
      // The leader passes on what agents have told it, of whoever's jobs that is.
      const isPassedOn = !isLeader && senderNode === leader;
      const own = isPassedOn
        ? jobs
        : jobs.filter(({ jobId }) => isHeldBy(state, jobId, senderNode));
      if (own.length > 0) board.progressed(own, env.clock.monotonic());
      if (own.length === 0 || !isLeader) return;
      for (const node of controllers()) {
        ctx.ref(Fleet, `quorus://${node}/${FLEET_PATH}`).tell("progress", { jobs: own });
      }
    },
    relayed: ({ replica }, { jobId, leaseIndex, writer }, { senderNode }) => {
      const job = heldJob(replica, jobId, leaseIndex, writer);
      return { job: job?.lease?.reader === senderNode ? job : null };
    },
    summon: ({ replica }, { jobId, leaseIndex }, ctx) => {
      const { senderNode: node } = ctx;
      const reader = heldJob(replica, jobId, leaseIndex, node)?.lease?.reader;
      const url = replica.state.agents.get(node)?.registration.relay?.url ?? null;
      if (reader === undefined || url === null) return { isTold: false };
      ctx.ref(Agent, `quorus://${reader}/${AGENT_PATH}`).tell("call", { node, url });
      return { isTold: true };
    },
    leave: ({ replica }, { agentId, why, deregister }, ctx) => {
      const { senderNode } = ctx;
      return later(async () => {
        checkItself(agentId, senderNode);
        const event = deregister
          ? { type: "deregister", why } as const
          : { type: "drain", why, untilMs: null } as const;
        const refused = await replica.propose({ type: "agentEvent", agent: agentId, event });
        return { refused: [...refused] };
      });
    },
  },
});

/** In that life, and with all that it has said of itself since every controller understands it. */
function isKnown({ state, version }: Replica, sign: Heartbeat): boolean {
  const registered = state.agents.get(sign.agentId)?.registration;
  if (registered?.incarnation !== sign.incarnation) return false;
  return version < RELAYS || sign.knowsRelays !== true || registered.relay !== undefined;
}

/** As controllers of earlier versions know it; the agent registers anew when they have gone. */
function withoutRelays({ reach: _, relay: __, ...rest }: Registration): Registration {
  return rest;
}

function leadershipOf({ leader, term }: Replica) {
  return { leader, term };
}

/** The job that an agent works on under that lease; null as far as this controller knows. */
function heldJob(
  { state: { jobs } }: Replica,
  jobId: string,
  leaseIndex: number,
  agent: string,
): Job | null {
  const job = jobs.get(jobId);
  if (job?.lease?.index !== leaseIndex || job.lease.agent !== agent) return null;
  return LEASED_STATES.has(job.state) ? job : null;
}

/** As far as this controller knows: a job that was assigned a moment ago is told of again. */
function isHeldBy({ jobs }: Replica["state"], jobId: string, agent: string): boolean {
  return jobs.get(jobId)?.lease?.agent === agent;
}

/** Thrown in a later reply: it costs the ask, and not the door. */
function checkItself(agentId: string, senderNode: string): void {
  if (senderNode === agentId) return;
  throw new FleetError(
    "notYours",
    `node ${senderNode} spoke for agent ${agentId}: an agent speaks for itself only`,
  );
}

function checkOwn(agentId: string, jobId: string, event: Reported): void {
  const isTheirs = OF_AGENTS.has(event.type) &&
    (!("lease" in event) || event.lease.agent === agentId);
  if (isTheirs) return;
  throw new FleetError(
    "notYours",
    `agent ${agentId} reported "${event.type}" of job ${jobId}: that is not for it to say`,
  );
}
