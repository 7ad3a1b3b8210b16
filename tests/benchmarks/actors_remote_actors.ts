/** The actors of `bench actors-remote`: on both nodes, and in the Worker. */

import { setImmediate } from "node:timers";
import process from "node:process";
import { z } from "zod";
import { actor, ask, type Node, protocol, type Ref, tell } from "../../mod.ts";

/** What a typical small message holds. */
export const TEXT = "node-a/job/42";

/** Takes messages and says how many; the ends of every measurement. */
export const Sink = protocol("bench.sink", {
  version: 1,
  messages: {
    add: tell(z.object({ n: z.number(), text: z.string() })),
    chunk: tell(z.object({ offset: z.number(), bytes: z.instanceof(Uint8Array) }), {
      lane: "bulk",
    }),
    /** Follows what was sent on the message lane before. */
    added: ask(z.object({}), z.number()),
    /** Answers with what it was asked. */
    echo: ask(z.object({ n: z.number() }), z.number()),
  },
});

/** Counts bytes apart from the sink, so that a question for them does not wait behind chunks. */
export const Counter = protocol("bench.counter", {
  version: 1,
  messages: {
    bytes: ask(z.object({}), z.number()),
    cpuMs: ask(z.object({}), z.number()),
    rssBytes: ask(z.object({}), z.number()),
    pour: tell(z.object({ node: z.string(), count: z.number() })),
  },
});

/** Never ends a handler. */
export const Stopped = protocol("bench.stopped", {
  version: 1,
  messages: {
    add: tell(z.object({ n: z.number(), text: z.string() })),
    chunk: tell(z.object({ offset: z.number(), bytes: z.instanceof(Uint8Array) }), {
      lane: "bulk",
    }),
  },
});

/** Turns of the event loop go by, as if something were written. */
const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

const sink = actor(Sink, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: (args: { received: { bytes: number } }) => ({ ...args, added: 0 }),
  on: {
    add: (state) => {
      state.added += 1;
    },
    chunk: async (state, { bytes }) => {
      await nextTurn();
      state.received.bytes += bytes.length;
    },
    added: (state) => state.added,
    echo: (_state, { n }) => n,
  },
});

const counter = actor(Counter, {
  state: (args: { node: Node; received: { bytes: number } }) => args,
  on: {
    bytes: (state) => state.received.bytes,
    cpuMs: () => cpuMs(),
    rssBytes: () => Deno.memoryUsage().rss,
    pour: ({ node }, { node: to, count }, ctx) => {
      ctx.task("pour", () => pour(sinkOf(node, to), count));
    },
  },
  done: () => {},
});

const stopped = actor(Stopped, {
  mailbox: { capacity: 4_096, full: "wait" },
  state: () => null,
  on: {
    add: () => new Promise<void>(() => {}),
    chunk: () => new Promise<void>(() => {}),
  },
});

/** Starts the actors. */
export function spawnAll(node: Node): void {
  const received = { bytes: 0 };
  node.spawn(sink, { name: "sink", args: { received } });
  node.spawn(counter, { name: "counter", args: { node, received } });
  node.spawn(stopped, { name: "stopped" });
}

/** CPU time of this process so far. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/** The sink of a node. */
export function sinkOf(node: Node, id: string): Ref<typeof Sink> {
  return node.ref(Sink, `quorus://${id}/sink`);
}

/** Sends so many small messages, as fast as credit allows. */
export async function pour(sink: Ref<typeof Sink>, count: number): Promise<void> {
  for (let n = 0; n < count; n += 1) {
    const body = { n, text: TEXT };
    if (sink.tell("add", body) === "full") await sink.send("add", body);
  }
}
