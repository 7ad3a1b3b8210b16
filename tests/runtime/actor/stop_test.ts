import assert from "node:assert/strict";
import { z } from "zod";
import { actor, type ActorDefinition, type Context } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";

const Tree = protocol("test.tree", {
  version: 1,
  messages: {
    grow: tell(z.string()),
    note: tell(z.string()),
    hold: tell(z.number()),
    prune: tell(z.string()),
    count: ask(z.null(), z.number()),
  },
});

function start(options: Parameters<typeof virtualNode>[0] = {}) {
  const virtual = virtualNode(options);
  const events: string[] = [];
  const nameOf = (ctx: Context<typeof Tree>) => ctx.self.address.split("/").slice(3).join("/");
  const tree: ActorDefinition<typeof Tree, undefined> = actor(Tree, {
    state: (_: undefined, ctx: Context<typeof Tree>) => ({ name: nameOf(ctx), notes: 0 }),
    on: {
      grow: (_, name, ctx) => ctx.spawn(tree, { name }),
      note: (state, text) => {
        state.notes += 1;
        events.push(`${state.name} ${text}`);
      },
      hold: (_, ms, ctx) => {
        const held = Promise.withResolvers<void>();
        ctx.env.timers.after(ms, () => held.resolve());
        return held.promise;
      },
      prune: (_, name, ctx) => ctx.stop(ctx.ref(Tree, `${ctx.self.address}/${name}`)),
      count: (state) => state.notes,
    },
    stopping: (state) => void events.push(`stopped ${state.name}`),
  });
  return { ...virtual, events, tree };
}

type Start = ReturnType<typeof start>;
type TreeDefinition = Start["tree"];

function growFamily({ node, tree }: { node: Start["node"]; tree: TreeDefinition }): void {
  const a = node.spawn(tree, { name: "a" });
  a.tell("grow", "x");
  a.tell("grow", "y");
  node.spawn(tree, { name: "b" });
}

Deno.test("a stopping node handles what is queued and stops children first, last started first", async () => {
  const virtual = start();
  const { node, world, events } = virtual;
  growFamily(virtual);
  await world.pass(1);
  for (const path of ["a", "a/x", "a/y", "b"]) {
    node.ref(Tree, `quorus://virtual/${path}`).tell("note", "queued");
  }
  await world.complete(node.stop());
  assert.deepEqual(events.filter((event) => event.startsWith("stopped")), [
    "stopped b",
    "stopped a/y",
    "stopped a/x",
    "stopped a",
  ]);
  assert.equal(events.filter((event) => event.endsWith("queued")).length, 4);
  assert.deepEqual(node.inspect(), []);
});

Deno.test("stopping one actor drops its queue to the dead letters, children first", async () => {
  const virtual = start();
  const { node, world, events } = virtual;
  growFamily(virtual);
  await world.pass(1);
  const a = node.ref(Tree, "quorus://virtual/a");
  a.tell("hold", 100);
  a.tell("note", "lost");
  await world.pass(1);
  const ended = await world.complete(node.stopActor(a));
  assert.equal(ended.reason, "stopped");
  assert.deepEqual(events, ["stopped a/y", "stopped a/x", "stopped a"]);
  assert.equal(node.deadLetters.count, 1);
  assert.equal(a.tell("note", "later"), "dead");
  await world.complete(node.stop());
});

Deno.test("a drain that takes too long becomes a stop", async () => {
  const { node, world, tree, events } = start();
  const ref = node.spawn(tree, { name: "a" });
  for (let count = 0; count < 10; count += 1) ref.tell("hold", 400);
  ref.tell("note", "too late");
  await world.pass(1);
  const startedMs = world.nowMs;
  await world.complete(node.stop({ withinMs: 1_000 }));
  assert.ok(world.nowMs - startedMs < 1_500);
  assert.deepEqual(events, ["stopped a"]);
  await node.stop();
});

Deno.test("a parent stops one child by ref, and the name is free again", async () => {
  const virtual = start();
  const { node, world, events } = virtual;
  growFamily(virtual);
  await world.pass(1);
  const a = node.ref(Tree, "quorus://virtual/a");
  a.tell("prune", "x");
  a.tell("grow", "x");
  await world.pass(1);
  assert.deepEqual(events, ["stopped a/x"]);
  assert.equal(node.metrics().failures, 0);
  assert.equal(node.inspect()[0]!.children.length, 2);
  await world.complete(node.stop());
});

Deno.test("a stopping node takes no new actors", async () => {
  const { node, world, tree } = start();
  node.spawn(tree, { name: "a" }).tell("hold", 100);
  await world.pass(1);
  const stopped = node.stop();
  assert.throws(() => node.spawn(tree, { name: "b" }), {
    code: "NodeStopped",
    message: /spawn b: quorus:.* is stopping; spawn before, or elsewhere/,
  });
  await world.complete(stopped);
});

Deno.test("many actors stop without exhausting the stack", async () => {
  const { node, world, tree } = start();
  for (let count = 0; count < 20_000; count += 1) node.spawn(tree, {});
  await world.complete(node.stop());
  assert.equal(node.metrics().actors, 0);
});

Deno.test("an actor that stops itself while it starts is gone, and its spawn does not fail", async () => {
  const { node, world } = virtualNode();
  let cleaned: unknown = "not yet";
  const brief = actor(Tree, {
    state: (_: undefined, ctx) => {
      ctx.stop();
      return { value: 7 };
    },
    on: { grow: () => {}, note: () => {}, hold: () => {}, prune: () => {}, count: () => 0 },
    stopping: (state) => {
      cleaned = state.value;
    },
  });
  const ref = node.spawn(brief, { name: "brief" });
  assert.equal(cleaned, 7);
  assert.equal((await node.ended(ref)).reason, "stopped");
  await world.complete(node.stop());
});

Deno.test("clean-up that throws is logged and does not hold the stop", async () => {
  const { node, world, env } = virtualNode();
  const messy = actor(Tree, {
    state: () => null,
    on: { grow: () => {}, note: () => {}, hold: () => {}, prune: () => {}, count: () => 0 },
    stopping: () => Promise.reject(new Error("unplugged")),
  });
  node.spawn(messy, {});
  await world.complete(node.stop());
  assert.ok(env);
});

Deno.test("a drain that became a stop gives every actor the same time to end its work", async () => {
  const { node, world } = virtualNode();
  const slow = actor(Tree, {
    state: (_: undefined, ctx) => {
      const { env } = ctx;
      ctx.task(
        "slow",
        (signal) =>
          new Promise<void>((resolve) =>
            signal.addEventListener("abort", () => env.timers.after(400, resolve))
          ),
      );
      return null;
    },
    on: {
      grow: () => {},
      note: () => {},
      hold: () => new Promise<void>(() => {}),
      prune: () => {},
      count: () => 0,
    },
  });
  for (const name of ["a", "b", "c", "d"]) node.spawn(slow, { name });
  await world.pass(1);
  const startedMs = world.nowMs;
  await world.complete(node.stop({ withinMs: 100 }));
  assert.ok(world.nowMs - startedMs < 1_000, String(world.nowMs - startedMs));
});

Deno.test("a node may be told to stop while an actor of it starts", async () => {
  const { node, world } = virtualNode();
  let stopped: Promise<void> | null = null;
  const last = actor(Tree, {
    state: () => {
      stopped = node.stop();
      return null;
    },
    on: { grow: () => {}, note: () => {}, hold: () => {}, prune: () => {}, count: () => 0 },
  });
  node.spawn(last, {});
  await world.complete(stopped!);
  assert.deepEqual(node.inspect(), []);
});
