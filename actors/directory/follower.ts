/**
 * Nodes beside the controllers follow who those are: they ask one after the other from time to time, dial
 * who is new, and leave who has been removed. So a cluster may replace all of its controllers while its
 * agents and gateways run.
 */

import { z } from "zod";
import { actor } from "../../runtime/actor/definition.ts";
import type { Context } from "../../runtime/actor/definition.ts";
import type { Node } from "../../runtime/actor/node.ts";
import { protocol, tell } from "../../runtime/actor/protocol.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import { KnownControllers } from "./known.ts";
import { directoryLimits } from "./limits.ts";
import { type Addresses, Directory, DIRECTORY_PATH } from "./messages.ts";

const Follower = protocol("quorus.directory-follower", {
  version: 1,
  messages: { ask: tell(z.object({})) },
});

interface State {
  readonly known: KnownControllers;
  readonly links: Pick<Links, "connect" | "disconnect">;
  turn: number;
}

const follower = actor(Follower, {
  mailbox: { capacity: 16, full: "drop" },
  state: (args: Omit<State, "turn">, ctx: Context<typeof Follower>): State => {
    ctx.after("ask", directoryLimits.askMs, "ask", {});
    return { ...args, turn: 0 };
  },
  on: {
    ask: (state, _, ctx) => {
      ctx.after("ask", directoryLimits.askMs, "ask", {});
      const ids = state.known.all;
      const id = ids[(state.turn += 1) % ids.length];
      if (id === undefined) return;
      const ref = ctx.ref(Directory, `quorus://${id}/${DIRECTORY_PATH}`);
      const withinMs = directoryLimits.answerMs;
      ctx.task("ask", (signal) => ref.ask("controllers", {}, { withinMs, signal }));
    },
  },
  done: ({ known, links }, task, ctx) => {
    // Whoever did not answer is asked again when its turn comes.
    if (!task.ok) return;
    const { added, removed } = known.learn(task.value as Addresses);
    for (const address of added) {
      ctx.log("info", "a controller has joined", { ...address });
      // Dialling goes on by itself; a refusal is in the log of the links.
      links.connect(address).catch(() => {});
    }
    for (const node of removed) {
      ctx.log("info", "a controller has left", { node });
      void links.disconnect(node);
    }
  },
});

/** Begins to follow; `configured` are the controllers of the settings, which the node's links dial. */
export function followControllers(
  node: Node & { readonly links: Pick<Links, "connect" | "disconnect"> },
  configured: Addresses,
): KnownControllers {
  const known = new KnownControllers(configured);
  node.spawn(follower, {
    name: "directory-follower",
    restart: "permanent",
    args: { known, links: node.links },
  });
  return known;
}
