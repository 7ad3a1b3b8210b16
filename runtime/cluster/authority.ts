/** The decision maker: agrees on inputs of the placement machine, and carries out what follows. */

import { actor, type Context } from "../actor/definition.ts";
import { formatAddress } from "../actor/address.ts";
import type { Env } from "../env/env.ts";
import { ClusterError } from "./errors.ts";
import type { ClusterLimits } from "./limits.ts";
import {
  type Life,
  noPlacement,
  type PlacementEffect,
  type PlacementInput,
  type PlacementState,
  type PlacementStep,
  type Report,
  stepPlacement,
} from "./placement_machine.ts";
import {
  AUTHORITY_PATH,
  AuthorityProtocol,
  KEEPER_PATH,
  KeeperProtocol,
  type Verdict,
} from "./placement_messages.ts";

/** Who agrees on decisions: one process now, a Raft group later. */
export interface Authority {
  /** What was agreed on so far. */
  state(): PlacementState;
  /** What `propose` would come to now; throws what it would reject with. */
  peek(input: PlacementInput): PlacementStep;
  /** Agrees on an input; the effects of what it came to. Inputs take effect in the order of the calls. */
  propose(input: PlacementInput): Promise<readonly PlacementEffect[]>;
}

/**
 * A decision maker in memory. It forgets everything with its process, and then knows nothing of what
 * nodes hold that it cannot reach: only Raft's may start again while its nodes live on.
 */
export function memoryAuthority(clock: Env["clock"], limits: ClusterLimits): Authority {
  let state = noPlacement();
  const peek = (input: PlacementInput): PlacementStep =>
    stepPlacement(state, input, clock.monotonic(), limits);
  return {
    state: () => state,
    peek,
    propose: async (input) => {
      const step = peek(input);
      state = step.state;
      return step.effects;
    },
  };
}

/** What the authority's actor needs. */
export interface AuthorityArgs {
  readonly authority: Authority;
  readonly limits: ClusterLimits;
  /**
   * A node that starts again shows that its process before has ended: its id belongs to one process at
   * a time. Without this only `fence` says so.
   */
  readonly newLifeEndsOld: boolean;
  /** Told that an entity waits until somebody says that its holder is fenced; once per grant. */
  readonly onNeedsFence: (held: Report) => void;
}

interface State extends AuthorityArgs {
  /** Tokens of grants for which a fence was asked. */
  readonly fences: Set<number>;
  proposals: number;
  /** Proposals that are not agreed on yet. */
  pending: number;
}

type Here = Context<typeof AuthorityProtocol>;

/** See the head of this file. */
export const authority = actor(AuthorityProtocol, {
  mailbox: { full: "wait" },
  state: (args: AuthorityArgs, ctx): State => {
    ctx.every("tick", args.limits.placementTickMs, "tick", null);
    return { ...args, fences: new Set(), proposals: 0, pending: 0 };
  },
  on: {
    hello: (state, hello, ctx) => {
      if (state.newLifeEndsOld) {
        for (const life of earlierLives(state.authority.state(), hello)) {
          decide(state, { do: "fenced", node: hello.node, life }, ctx);
        }
      }
      decide(state, { do: "hello", ...hello }, ctx);
    },
    started: (state, report, ctx) => void decide(state, { do: "started", ...report }, ctx),
    ended: (state, report, ctx) => void decide(state, { do: "ended", ...report }, ctx),
    lost: (state, { node }, ctx) => void decide(state, { do: "lost", node }, ctx),
    tick: (state, _, ctx) => void decide(state, { do: "tick" }, ctx),
    place: (state, body, ctx) => decide(state, { do: "place", ...body }, ctx),
    remove: (state, body, ctx) => decide(state, { do: "remove", ...body }, ctx),
    move: (state, body, ctx) => decide(state, { do: "move", ...body }, ctx),
    drain: (state, body, ctx) => decide(state, { do: "drain", ...body }, ctx),
    fenced: (state, body, ctx) => decide(state, { do: "fenced", ...body }, ctx),
    locate: ({ authority: { state } }, { id }) => {
      const entity = state().entities.get(id);
      if (entity === undefined || entity.holder === null || entity.phase === "free") return null;
      const { phase, holder, token } = entity;
      return { ...holder, id, token, phase };
    },
  },
  done: (state, { value, error, ok }: { ok: boolean; value?: unknown; error?: unknown }, ctx) => {
    state.pending -= 1;
    if (ok) carryOut(state, value as readonly PlacementEffect[], ctx);
    else ctx.log("warn", "a placement was not agreed on, it is tried again", { error });
  },
});

/**
 * Lives of a node before this one that are not known to have ended. Who holds something is asked for,
 * too: the host may be known under its new life though the end of the old one was not agreed on.
 */
function earlierLives({ hosts, entities }: PlacementState, { node, life }: Life): Set<string> {
  const lives = new Set<string>();
  const known = hosts.get(node);
  if (known !== undefined) lives.add(known.life);
  for (const { holder } of entities.values()) if (holder?.node === node) lives.add(holder.life);
  lives.delete(life);
  return lives;
}

/** What changes nothing need not be agreed on. */
function decide(state: State, input: PlacementInput, ctx: Here): Verdict {
  try {
    const { state: next, effects } = state.authority.peek(input);
    // What is pending may make a difference to what follows it.
    if (next === state.authority.state() && state.pending === 0) {
      carryOut(state, effects, ctx);
    } else {
      state.proposals += 1;
      state.pending += 1;
      ctx.task(`propose ${state.proposals}`, () => state.authority.propose(input));
    }
    return { accepted: true, reason: "" };
  } catch (error) {
    if (error instanceof ClusterError) return { accepted: false, reason: error.message };
    throw error;
  }
}

function carryOut(state: State, effects: readonly PlacementEffect[], ctx: Here): void {
  const self = ctx.self.address;
  for (const effect of effects) {
    if (effect.do === "needsFence") {
      needsFence(state, effect, ctx);
      continue;
    }
    const { node, life, id, token } = effect;
    const holder = ctx.ref(KeeperProtocol, formatAddress(node, KEEPER_PATH));
    const order = { authority: self, life, id, token };
    if (effect.do === "revoke") holder.tell("revoke", order);
    else holder.tell("grant", { ...order, kind: effect.kind });
  }
}

function needsFence(state: State, { node, life, id, token }: Report, ctx: Here): void {
  if (state.fences.has(token)) return;
  // Tokens grow, so the first is the oldest.
  if (state.fences.size >= state.limits.entities) {
    state.fences.delete(state.fences.values().next().value!);
  }
  state.fences.add(token);
  ctx.log("warn", "an entity waits until its holder is fenced", { node, life, id, token });
  state.onNeedsFence({ node, life, id, token });
}

/** The address of the authority on a node. */
export function authorityAddress(node: string): string {
  return formatAddress(node, AUTHORITY_PATH);
}
