/**
 * The divider, on the leader: tells agents each second what they may use of the rules about bandwidth. It
 * decides nothing that must survive it: an agent keeps to what it was told last, and the next leader tells
 * everybody anew.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Ref } from "../../runtime/actor/ref.ts";
import type { Agent } from "../agent/messages.ts";
import type { State as Replicated } from "../controller/state.ts";
import { bandwidthLimits } from "./limits.ts";
import type { RateSettings } from "./messages.ts";
import { rateKey } from "./rules.ts";
import { ratesAt, type Running, Takers } from "./shares.ts";

const Divider = protocol("quorus.divider", {
  version: 1,
  messages: {
    /** Time to divide. */
    divide: tell(z.object({})),
  },
});

/** What a divider is started with. */
export interface DividerArgs {
  readonly group: { readonly state: Replicated };
  readonly agents: (id: string) => Ref<typeof Agent> | null;
}

interface State extends DividerArgs {
  readonly takers: Takers;
  /** What each agent was told last, as text; empty: nothing. */
  readonly told: Map<string, string>;
  repeatAtMs: number;
}

/** One on the leader, beside its scheduler. */
export const divider = actor(Divider, {
  mailbox: { capacity: 4, full: "drop" },
  state: (args: DividerArgs, ctx: Context<typeof Divider>): State => {
    ctx.every("divide", bandwidthLimits.divideMs, "divide", {});
    const takers = new Takers(bandwidthLimits.takerMs);
    return { ...args, takers, told: new Map(), repeatAtMs: ctx.env.clock.monotonic() };
  },
  on: { divide: (state, _, ctx) => divide(state, ctx) },
});

function divide(state: State, ctx: Context<typeof Divider>): void {
  const { group, agents, takers, told } = state;
  const nowMs = ctx.env.clock.monotonic();
  // One that was not reached, or is new, hears of it at last now.
  if (nowMs >= state.repeatAtMs) {
    state.repeatAtMs = nowMs + bandwidthLimits.repeatMs;
    told.clear();
  }
  const { agents: known } = group.state;
  const wallMs = Math.max(group.state.nowMs, ctx.env.clock.now());
  const rules = ratesAt(rulesOf(group.state), wallMs);
  takers.look(rules, running(group.state), nowMs);
  const shares = takers.shares(rules);
  for (const agent of known.keys()) {
    const own = { rules, shares: shares.get(agent) ?? {} };
    const text = JSON.stringify(own);
    if (told.get(agent) === text) continue;
    if (agents(agent)?.tell("rates", own) === "accepted") told.set(agent, text);
  }
  for (const agent of told.keys()) if (!known.has(agent)) told.delete(agent);
}

const BYTES_OF_MEGABIT = 125_000;

/** What operators have said; where they say nothing of an agent, what it says of itself. */
function* rulesOf({ rates, agents }: Replicated): Iterable<readonly [string, RateSettings]> {
  for (const { id, registration } of agents.values()) {
    const { maxBandwidthMbps } = registration.capabilities;
    const key = rateKey("agent", id);
    if (maxBandwidthMbps === null || maxBandwidthMbps === undefined || rates.has(key)) continue;
    yield [key, { bytesPerSecond: maxBandwidthMbps * BYTES_OF_MEGABIT, windows: [] }];
  }
  yield* rates;
}

/** The transfers that are under way, as the state has them. */
function* running({ jobs, load }: Replicated): Iterable<Running> {
  for (const [agent, held] of load.held) {
    for (const jobId of held.keys()) {
      const job = jobs.get(jobId);
      if (job !== undefined) yield { id: job.id, tenant: job.tenant, spec: job.spec, agent };
    }
  }
}
