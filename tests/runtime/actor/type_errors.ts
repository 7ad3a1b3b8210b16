/**
 * What the compiler must refuse: each marked line is an error, or checking this file fails.
 * Nothing here runs.
 */

import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import type { Node } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";

const Job = protocol("test.job", {
  version: 1,
  messages: {
    start: tell(z.object({ from: z.string() })),
    status: ask(z.object({}), z.object({ done: z.number() })),
  },
});
const Other = protocol("test.other", { version: 1, messages: { other: tell(z.null()) } });

const job = actor(Job, {
  state: (args: { total: number }) => ({ ...args, done: 0 }),
  on: {
    start: (state, message) => {
      const from: string = message.from;
      state.done += from.length;
      // @ts-expect-error the state has no such field
      state.missing = 1;
      // @ts-expect-error the body has no such field
      message.to;
    },
    status: (state) => ({ done: state.done }),
  },
});

/** No mistake: `ctx` needs no annotation for the state's type to be known. */
export const inferred = actor(Job, {
  state: (args: { total: number }, ctx) => ({ ...args, done: 0, me: ctx.self }),
  on: {
    start: (state, message, ctx) => {
      state.done += message.from.length;
      ctx.watch(state.me);
    },
    status: async (state) => await Promise.resolve({ done: state.done }),
  },
  done: (state, task) => {
    if (task.ok) state.done += 1;
  },
  ended: (state, end) => {
    if (end.reason === "failed") state.done = 0;
  },
});

export function misuse(node: Node): void {
  const ref = node.spawn(job, { name: "job", args: { total: 3 } });
  ref.tell("start", { from: "a" });
  // @ts-expect-error wrong tag
  ref.tell("begin", { from: "a" });
  // @ts-expect-error wrong body
  ref.tell("start", { from: 1 });
  // @ts-expect-error missing field of the body
  ref.tell("start", {});
  // @ts-expect-error ask on a tell
  ref.ask("start", { from: "a" });
  // @ts-expect-error tell on an ask
  ref.tell("status", {});
  // @ts-expect-error send on an ask
  ref.send("status", {});
  // @ts-expect-error the reply has no such field
  ref.ask("status", {}).then((reply) => reply.total);
  // @ts-expect-error args are missing
  node.spawn(job, { name: "job" });
  // @ts-expect-error wrong args
  node.spawn(job, { name: "job", args: { total: "3" } });
  // @ts-expect-error a ref of another protocol
  const wrong: typeof ref = node.ref(Other, "quorus://n/other");
  // @ts-expect-error no such restart type
  node.spawn(job, { args: { total: 1 }, restart: "sometimes" });
  void wrong;
}

actor(Job, {
  state: () => ({ done: 0 }),
  // @ts-expect-error the handler of "status" is missing
  on: { start: () => {} },
});

actor(Job, {
  state: () => ({ done: 0 }),
  on: {
    start: () => {},
    // @ts-expect-error wrong type of the reply
    status: (state) => ({ done: String(state.done) }),
  },
});

actor(Job, {
  state: () => ({ done: 0 }),
  on: {
    start: () => {},
    // @ts-expect-error no reply
    status: async () => {},
  },
});

actor(Job, {
  state: () => ({ done: 0 }),
  on: {
    start: (_state, _message, ctx) => {
      // @ts-expect-error a timer sends a message of the actor's own protocol
      ctx.after("later", 10, "begin", { from: "a" });
      // @ts-expect-error a timer cannot ask
      ctx.every("often", 10, "status", {});
    },
    status: (state) => state,
    // @ts-expect-error a handler for a message that the protocol does not have
    pause: () => {},
  },
});

actor(Job, {
  // @ts-expect-error no such policy
  mailbox: { full: "explode" },
  state: () => ({ done: 0 }),
  on: { start: () => {}, status: (state) => state },
});
