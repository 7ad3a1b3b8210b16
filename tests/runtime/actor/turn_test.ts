import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { type Node, startNode } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { probe, virtualNode } from "../../../testing.ts";

const Loop = protocol("test.loop", {
  version: 1,
  messages: { spin: tell(z.null()), stop: tell(z.null()), ring: tell(z.null()) },
});

/** Two actors that keep each other busy for ever. */
function spinners(node: Node) {
  const spinner = (name: string, other: string) =>
    node.spawn(
      actor(Loop, {
        state: () => ({ spins: 0 }),
        on: {
          spin: (state, _, ctx) => {
            state.spins += 1;
            ctx.ref(Loop, `quorus://${node.id}/${other}`).tell("spin", null);
          },
          stop: (_s, _m, ctx) => ctx.stop(),
          ring: () => {},
        },
      }),
      { name, restart: "temporary" },
    );
  const left = spinner("left", "right");
  spinner("right", "left");
  return left;
}

Deno.test("endless messages starve neither timers nor I/O of the real event loop", async () => {
  const env = realEnv({ log: { write: () => {} } });
  const node = startNode(env, { id: "busy" });
  const left = spinners(node);
  left.tell("spin", null);
  const startedMs = performance.now();
  let fired = 0;
  for (const ms of [1, 5, 20]) {
    await new Promise<void>((resolve) => env.timers.after(ms, resolve));
    fired += 1;
  }
  await Deno.stat(".");
  const tookMs = performance.now() - startedMs;
  assert.equal(fired, 3);
  assert.ok(tookMs < 1_000, `timers of 26 ms took ${tookMs} ms`);
  assert.ok(node.metrics().messagesHandled > 1_000);
  left.tell("stop", null);
  await node.stop();
  env.close();
});

const Echo = protocol("test.echo", { version: 1, messages: { echo: ask(z.number(), z.number()) } });

Deno.test("an endless loop of asks, each alone in its turn, does not starve timers either", async () => {
  const env = realEnv({ log: { write: () => {} } });
  const node = startNode(env, { id: "busy" });
  const ref = node.spawn(actor(Echo, { state: () => null, on: { echo: (_, n) => n } }), {});
  let done = false;
  let asks = 0;
  const loop = (async () => {
    while (!done) asks = await ref.ask("echo", asks + 1);
  })();
  const startedMs = performance.now();
  await new Promise<void>((resolve) => env.timers.after(5, resolve));
  const tookMs = performance.now() - startedMs;
  done = true;
  await loop;
  assert.ok(tookMs < 500, `a timer of 5 ms took ${tookMs} ms and ${asks} asks`);
  await node.stop();
  env.close();
});

Deno.test("a busy pair of actors does not keep a third from its messages", async () => {
  const { node, world } = virtualNode({ roundTripMessages: false });
  const left = spinners(node);
  const third = probe(node, Loop);
  left.tell("spin", null);
  third.ref.tell("ring", null);
  await world.complete(third.next("ring"));
  assert.ok(node.metrics().messagesHandled < 5_000);
  left.tell("stop", null);
  await world.pass(10);
  await world.complete(node.stop());
});

Deno.test("a stop passes a full mailbox: control is not starved by messages", async () => {
  const { node, world } = virtualNode();
  let handled = 0;
  const busy = node.spawn(
    actor(Loop, {
      mailbox: { capacity: 10_000 },
      state: () => null,
      on: {
        spin: () => {
          handled += 1;
        },
        stop: () => {},
        ring: () => {},
      },
    }),
    {},
  );
  while (busy.tell("spin", null) === "accepted");
  await world.complete(node.stopActor(busy));
  assert.equal(handled, 0);
  assert.equal(node.deadLetters.count, 10_000);
  await world.complete(node.stop());
});
