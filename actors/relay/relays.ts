/**
 * The door of an agent for others that it reads for. It believes nobody: the lease in which it is named is
 * looked up at a controller, and so is what to read; the credentials are this agent's own.
 */

import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { later } from "../../runtime/actor/later.ts";
import type { Source } from "../../protocols/contract.ts";
import { AgentError } from "../agent/errors.ts";
import type { Controllers } from "../agent/controllers.ts";
import { pauseMs } from "../agent/backoff.ts";
import { Fleet, FLEET_PATH } from "../fleet/messages.ts";
import { openSource } from "../job/ends.ts";
import type { Job } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import { failureOf } from "./failures.ts";
import type { RelayLinks } from "./links.ts";
import { Relays } from "./messages.ts";
import { reading } from "./reading.ts";
import { pause } from "../set/pause.ts";
import type { RelayTally } from "./tally.ts";

/** What the door is started with. */
export interface RelaysArgs {
  readonly tools: AttemptTools;
  readonly controllers: Controllers;
  readonly links: RelayLinks;
  readonly tally: RelayTally;
}

interface State extends RelaysArgs {
  /** The nodes that are read for, by the address of the reading. */
  readonly held: Map<string, () => void>;
  begun: number;
}

/** One on every agent. */
export const relays = actor(Relays, {
  mailbox: { capacity: 1_024, full: "reject" },
  state: (args: RelaysArgs): State => ({ ...args, held: new Map(), begun: 0 }),
  on: {
    begin: (state, { jobId, leaseIndex, to }, ctx) => {
      const writer = ctx.senderNode;
      return later(async (signal) => {
        try {
          if (!to.startsWith(`quorus://${writer}/`)) {
            throw new AgentError("refused", `read for ${writer}: ${to} is no actor of that node`);
          }
          const job = await leased(state, { jobId, leaseIndex, writer }, ctx, signal);
          const source = await openSource(job.spec, state.tools);
          return { value: begun(state, job, source, writer, to, ctx) };
        } catch (thrown) {
          return failureOf(thrown);
        }
      });
    },
  },
  ended: ({ held, tally }, { ref }) => {
    tally.ended();
    held.get(ref.address)?.();
    held.delete(ref.address);
  },
  stopping: ({ held }) => {
    for (const release of held.values()) release();
  },
});

function begun(
  state: State,
  { id, lease }: Job,
  source: Source,
  writer: string,
  to: string,
  ctx: Context<typeof Relays>,
) {
  const { tools: { limits }, links, tally, held } = state;
  // Asked again, where an answer was lost, it is another reading: the first one ends with its actor.
  const name = `${id}.${lease?.index}.${state.begun += 1}`;
  const sent = (bytes: number) => void (tally.bytes += bytes);
  const args = { source, writer, to, limits, sent };
  const ref = ctx.spawn(reading, { name, restart: "temporary", args });
  ctx.watch(ref);
  tally.began();
  held.set(ref.address, links.hold(writer));
  ctx.log("info", "a source is read for another agent", { job: id, agent: writer });
  return { reading: ref.address, capabilities: source.capabilities };
}

interface Claim {
  readonly jobId: string;
  readonly leaseIndex: number;
  readonly writer: string;
}

/** The job, once a controller says that the claim holds; it may not have heard of the lease yet. */
async function leased(
  { controllers, tools: { limits } }: State,
  { jobId, leaseIndex, writer }: Claim,
  ctx: Context<typeof Relays>,
  signal: AbortSignal,
): Promise<Job> {
  const { env } = ctx;
  const endMs = env.clock.monotonic() + limits.relayBeginMs / 2;
  for (let tries = 0;; tries += 1) {
    const node = controllers.next();
    const ref = ctx.ref(Fleet, `quorus://${node}/${FLEET_PATH}`);
    const asked = ref.ask("relayed", { jobId, leaseIndex, writer }, {
      withinMs: limits.beatMs,
      signal,
    });
    const job = await asked.then(({ job }) => job, (thrown) => {
      signal.throwIfAborted();
      controllers.failed(node);
      return void ctx.log("debug", "a controller does not answer", { why: String(thrown) });
    });
    if (job !== null && job !== undefined) return job;
    if (env.clock.monotonic() >= endMs) {
      const why = `no controller knows that ${writer} has lease ${leaseIndex} and this agent reads`;
      throw new AgentError("refused", `read the source of job ${jobId} for ${writer}: ${why}`);
    }
    const { reportPauseMs, reportPauseMostMs } = limits;
    const ms = pauseMs(tries, reportPauseMs, reportPauseMostMs, env.random.next());
    await pause(env.timers, ms, signal);
  }
}
