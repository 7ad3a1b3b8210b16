/** The keeper of a node: the actors of the entities that the node holds are its children. */

import { actor, type Context } from "../actor/definition.ts";
import type { Ref } from "../actor/ref.ts";
import { type KeeperEffect, type KeeperInput, KeeperMachine } from "./keeper_machine.ts";
import type { Kind } from "./kind.ts";
import type { ClusterLimits } from "./limits.ts";
import { AUTHORITY_PATH, AuthorityProtocol, KeeperProtocol } from "./placement_messages.ts";
import { formatAddress } from "../actor/address.ts";

const LIFE_BYTES = 8;

/** What a keeper needs. */
export interface KeeperArgs {
  readonly node: string;
  readonly kinds: readonly Kind[];
  readonly limits: ClusterLimits;
  /** The node that decides now; `null` while nobody is known to. */
  readonly authority: () => string | null;
}

interface Keeper extends KeeperArgs {
  /** New at each start: what an earlier one held has ended, its children stop before it restarts. */
  readonly life: string;
  readonly machine: KeeperMachine;
  readonly children: Map<string, Ref>;
  /** Who granted or revoked last, which is whom the answer is for. */
  answers: string | null;
}

type Here = Context<typeof KeeperProtocol>;
type Order = { readonly authority: string; readonly life: string };

/** See the head of this file. */
export const keeper = actor(KeeperProtocol, {
  mailbox: { full: "wait" },
  state: (args: KeeperArgs, ctx): Keeper => {
    ctx.self.tell("report", null);
    ctx.every("report", args.limits.keeperHelloMs, "report", null);
    return {
      ...args,
      life: ctx.env.random.bytes(LIFE_BYTES).toHex(),
      machine: new KeeperMachine(args.limits.entities),
      children: new Map(),
      answers: null,
    };
  },
  on: {
    grant: (state, order, ctx) => obey(state, order, { do: "grant", ...order }, ctx),
    revoke: (state, order, ctx) => obey(state, order, { do: "revoke", ...order }, ctx),
    report: (state, _, ctx) => report(state, ctx),
  },
  ended: (state, { ref }, ctx) => {
    for (const [id, child] of state.children) {
      if (child.address !== ref.address) continue;
      state.children.delete(id);
      return step(state, { do: "stopped", id }, ctx);
    }
  },
});

/** Orders for an earlier life are for children that have ended. */
function obey(state: Keeper, order: Order, input: KeeperInput, ctx: Here): void {
  if (order.life !== state.life) return;
  state.answers = order.authority;
  step(state, input, ctx);
}

function step(state: Keeper, input: KeeperInput, ctx: Here): void {
  for (const effect of state.machine.step(input)) carryOut(state, effect, ctx);
}

function carryOut(state: Keeper, effect: KeeperEffect, ctx: Here): void {
  switch (effect.do) {
    case "start":
      return start(state, effect, ctx);
    case "stop":
      return ctx.stop(state.children.get(effect.id)!);
    case "say": {
      const { what, id, token } = effect;
      // What gets lost is asked for again by the authority.
      const { node, life } = state;
      if (state.answers === null) return;
      ctx.ref(AuthorityProtocol, state.answers).tell(what, { node, life, id, token });
    }
  }
}

function start(state: Keeper, effect: KeeperEffect & { do: "start" }, ctx: Here): void {
  const { id, kind: name, token } = effect;
  const kind = state.kinds.find((one) => one.name === name);
  const key = id.slice(id.indexOf("/") + 1);
  try {
    if (kind === undefined) throw new RangeError(`this node knows no kind "${name}"`);
    // A failure ends the grant: another node, or this one after a pause, gets the next token.
    const child = ctx.spawn(kind.definition, {
      name: id,
      restart: "temporary",
      args: { key, token },
    }) as unknown as Ref;
    state.children.set(id, child);
    ctx.watch(child);
  } catch (error) {
    ctx.log("error", "an entity did not start", { id, token, error });
    step(state, { do: "stopped", id }, ctx);
  }
}

function report(state: Keeper, ctx: Here): void {
  const authority = state.authority();
  if (authority === null) return;
  const { node, life, kinds, machine } = state;
  const names = kinds.map(({ name }) => name);
  const address = formatAddress(authority, AUTHORITY_PATH);
  ctx.ref(AuthorityProtocol, address).tell("hello", {
    node,
    life,
    kinds: names,
    holds: machine.holds(),
  });
}
