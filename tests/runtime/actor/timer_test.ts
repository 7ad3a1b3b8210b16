import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";

const Clock = protocol("test.clock", {
  version: 1,
  messages: {
    set: tell(z.object({ name: z.string(), ms: z.number(), every: z.boolean() })),
    cancel: tell(z.string()),
    tick: tell(z.string()),
    hold: tell(z.number()),
    crash: tell(z.null()),
  },
});

function start(capacity = 100) {
  const virtual = virtualNode({ children: { backoffMs: [1, 1] } });
  const ticks: string[] = [];
  const ref = virtual.node.spawn(
    actor(Clock, {
      mailbox: { capacity },
      state: () => null,
      on: {
        set: (_, { name, ms, every }, ctx) =>
          every ? ctx.every(name, ms, "tick", name) : ctx.after(name, ms, "tick", name),
        cancel: (_, name, ctx) => ctx.cancel(name),
        tick: (_, name) => void ticks.push(`${name} ${Math.floor(virtual.world.nowMs)}`),
        hold: (_, ms, ctx) => {
          const held = Promise.withResolvers<void>();
          ctx.env.timers.after(ms, () => held.resolve());
          return held.promise;
        },
        crash: () => {
          throw new Error("crash");
        },
      },
    }),
    { name: "clock" },
  );
  return { ...virtual, ref, ticks };
}

Deno.test("after sends once, every sends again and again", async () => {
  const { node, world, ref, ticks } = start();
  ref.tell("set", { name: "once", ms: 50, every: false });
  ref.tell("set", { name: "often", ms: 100, every: true });
  await world.pass(350);
  assert.deepEqual(ticks, ["once 50", "often 100", "often 200", "often 300"]);
  await world.complete(node.stop());
});

Deno.test("a timer of the same name replaces the old one", async () => {
  const { node, world, ref, ticks } = start();
  ref.tell("set", { name: "t", ms: 50, every: false });
  ref.tell("set", { name: "t", ms: 80, every: false });
  await world.pass(200);
  assert.deepEqual(ticks, ["t 80"]);
  await world.complete(node.stop());
});

Deno.test("a cancelled timer sends nothing, even if its message is queued already", async () => {
  const { node, world, ref, ticks } = start();
  ref.tell("set", { name: "t", ms: 50, every: false });
  ref.tell("hold", 100);
  ref.tell("cancel", "t");
  await world.pass(10);
  await world.pass(300);
  assert.equal(ticks.length, 0);
  await world.complete(node.stop());
});

Deno.test("ticks of a slow actor do not pile up, and a full mailbox does not lose one", async () => {
  const { node, world, ref, ticks } = start(2);
  ref.tell("set", { name: "t", ms: 10, every: true });
  ref.tell("hold", 1_000);
  await world.pass(500);
  for (let count = 0; count < 5; count += 1) ref.tell("cancel", "other");
  assert.equal(node.inspect()[0]!.mailboxDepth, 2);
  await world.pass(505);
  assert.ok(ticks.length >= 1 && ticks.length <= 2, String(ticks));
  await world.complete(node.stop());
});

Deno.test("timers end with their incarnation", async () => {
  const { node, world, ref, ticks } = start();
  ref.tell("set", { name: "t", ms: 50, every: true });
  ref.tell("crash", null);
  await world.pass(500);
  assert.equal(node.metrics().restarts, 1);
  assert.deepEqual(ticks, []);
  await world.complete(node.stop());
});
