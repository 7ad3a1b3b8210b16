/**
 * A word counter as an actor: run it with `deno run examples/01_actor.ts`.
 *
 * 1. A protocol says which messages exist: `tell` is one-way, `ask` is answered.
 * 2. An actor handles them one at a time, so its state needs no lock.
 * 3. Long work runs as a task beside the mailbox; its end comes back as `done`.
 * 4. When a handler throws, the supervisor starts the actor again with a fresh state.
 */

import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { actor, ask, protocol, startNode, tell } from "@quorus/quorus";

const Words = protocol("example.words", {
  version: 1,
  messages: {
    read: tell(z.object({ name: z.string(), text: z.string() })),
    total: ask(z.object({}), z.object({ words: z.number(), texts: z.array(z.string()) })),
  },
});

/** Stands for slow work: a download, a query. It ends early when the actor stops. */
async function count(text: string, signal: AbortSignal): Promise<number> {
  await delay(5, undefined, { signal });
  return text.split(/\s+/).filter((word) => word !== "").length;
}

const words = actor(Words, {
  mailbox: { capacity: 100, full: "reject" },
  state: () => ({ words: 0, texts: [] as string[] }),
  on: {
    read: (_state, { name, text }, ctx) => {
      if (text === "") throw new Error(`${name} is empty`);
      ctx.task(name, (signal) => count(text, signal));
    },
    total: (state) => state, // checked against the reply's schema
  },
  done: (state, task) => {
    if (!task.ok) throw task.error;
    state.words += task.value as number;
    state.texts.push(task.name);
  },
});

const node = startNode({
  id: "example",
  children: { max: 3, perMs: 10_000, backoffMs: [10, 100] },
  logLevel: "error",
});
const counter = node.spawn(words, { name: "words" });

console.log("tell:", counter.tell("read", { name: "haiku", text: "an old silent pond" }));
counter.tell("read", { name: "proverb", text: "still waters run deep" });
await delay(50); // both tasks end meanwhile
const first = await counter.ask("total", {}, { withinMs: 1_000 });
console.log(`total: ${first.words} words in ${first.texts.join(", ")}`);

counter.tell("read", { name: "nothing", text: "" }); // the handler throws ...
const second = await counter.ask("total", {}, { withinMs: 1_000 });
console.log(`after the restart: ${second.words} words`); // ... and the state is fresh
console.log("restarts:", node.metrics().restarts);

await node.stop();
console.log("tell after stop:", counter.tell("read", { name: "late", text: "too late" }));
