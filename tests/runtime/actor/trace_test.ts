import assert from "node:assert/strict";
import { z } from "zod";
import { actor, type Context } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";
import { joined } from "./loopback.ts";

const ONE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
const TWO = "00-11111111111111111111111111111111-2222222222222222-00";

const Hop = protocol("test.hop", {
  version: 1,
  messages: {
    note: tell(z.string()),
    sync: tell(z.string()),
    async: tell(z.string()),
    plain: tell(z.string()),
    task: tell(z.string()),
    timer: tell(z.string()),
    trace: ask(z.null(), z.string().nullable()),
  },
});

/** Each message passes one on to the address in it, in its own way; `log` has trace by name. */
function hop(log: string[]) {
  const pass = (ctx: Context, to: string, how: string): void => {
    ctx.ref(Hop, to).tell("note", how);
  };
  return actor(Hop, {
    state: () => null,
    on: {
      note: (_, how, ctx) => void log.push(`${how} ${ctx.trace}`),
      sync: (_, to, ctx) => pass(ctx, to, "sync"),
      async: async (_, to, ctx) => {
        await Promise.resolve();
        pass(ctx, to, "async");
      },
      plain: (_, to, ctx) => Promise.resolve().then(() => pass(ctx, to, "plain")),
      task: (_, to, ctx) => {
        const ref = ctx.ref(Hop, to);
        ctx.task("pass", async () => {
          await Promise.resolve();
          ref.tell("note", "task");
        });
      },
      timer: (_, to, ctx) => ctx.after("pass", 10, "note", to),
      trace: (_, _body, ctx) => ctx.trace,
    },
    done: (_, task, ctx) => void log.push(`done ${task.name} ${ctx.trace}`),
  });
}

Deno.test("what is sent while a message is handled inherits its trace, awaits and tasks included", async () => {
  const { node, world } = virtualNode();
  const log: string[] = [];
  const first = node.spawn(hop(log), { name: "first" });
  const last = node.spawn(hop(log), { name: "last" });
  first.tell("sync", last.address);
  node.traced(ONE, () => {
    for (const how of ["sync", "async", "task", "timer"] as const) first.tell(how, last.address);
  });
  first.tell("sync", last.address);
  await world.pass(20);
  assert.deepEqual(log.toSorted(), [
    `async ${ONE}`,
    `done pass ${ONE}`,
    `${last.address} null`,
    `sync ${ONE}`,
    "sync null",
    "sync null",
    `task ${ONE}`,
  ]);
  await world.complete(node.stop());
});

Deno.test("asks carry the trace, and awaits inside traced keep it", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(hop([]), {});
  assert.equal(await world.complete(ref.ask("trace", null)), null);
  const traces = await world.complete(node.traced(ONE, async () => {
    const first = await ref.ask("trace", null);
    const inner = await node.traced(TWO, () => ref.ask("trace", null));
    return [first, inner, await ref.ask("trace", null)];
  }));
  assert.deepEqual(traces, [ONE, TWO, ONE]);
  assert.equal(await world.complete(ref.ask("trace", null)), null);
  assert.throws(() => node.traced("00-xyz", () => {}), { code: "BadName" });
  await world.complete(node.stop());
});

Deno.test("the trace crosses to another node and back", async () => {
  const { near, far, world, stop } = joined();
  const log: string[] = [];
  const back = near.node.spawn(hop(log), { name: "back" });
  const there = near.node.ref(Hop, far.node.spawn(hop(log), { name: "there" }).address);
  near.node.traced(ONE, () => there.tell("async", back.address));
  there.tell("sync", back.address);
  await world.pass(50);
  assert.deepEqual(log.toSorted(), [`async ${ONE}`, "sync null"]);
  assert.equal(await world.complete(near.node.traced(TWO, () => there.ask("trace", null))), TWO);
  await stop();
});

Deno.test("a trace does not leak into what runs in the same turn", async () => {
  const { node, world } = virtualNode();
  const log: string[] = [];
  const traced = node.spawn(hop(log), { name: "traced" });
  const other = node.spawn(hop(log), { name: "other" });
  node.traced(ONE, () => traced.tell("sync", traced.address));
  other.tell("plain", other.address);
  await world.pass(1);
  assert.deepEqual(log.toSorted(), ["plain null", `sync ${ONE}`]);
  await world.complete(node.stop());
});

Deno.test("a malformed trace of another node is left behind, its message is not", async () => {
  const { far, world, stop } = joined();
  const log: string[] = [];
  far.node.spawn(hop(log), { name: "there" });
  const inbound = {
    path: "there",
    protocol: "test.hop",
    version: 1,
    tag: "note",
    node: "far",
    from: null,
  };
  far.dock.tell({ ...inbound, body: "evil", trace: "x".repeat(100) }, { processed: () => {} });
  far.dock.tell({ ...inbound, body: "good", trace: ONE }, { processed: () => {} });
  await world.pass(1);
  assert.deepEqual(log, ["evil null", `good ${ONE}`]);
  await stop();
});
