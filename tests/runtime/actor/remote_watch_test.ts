import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { failNode } from "../../../runtime/actor/node.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { joined } from "./loopback.ts";

const Target = protocol("test.target", {
  version: 1,
  messages: { say: tell(z.object({ to: z.string(), count: z.number() })), crash: tell(z.null()) },
});
const Watcher = protocol("test.watcher", {
  version: 1,
  messages: {
    watch: tell(z.string()),
    unwatch: tell(z.string()),
    heard: tell(z.number()),
    hold: tell(z.null()),
    crash: tell(z.null()),
    flush: ask(z.null(), z.null()),
  },
});

const target = actor(Target, {
  state: () => null,
  on: {
    say: (_, { to, count }, ctx) => {
      const ref = ctx.ref(Watcher, to);
      for (let index = 0; index < count; index += 1) ref.tell("heard", index);
      ctx.stop();
    },
    crash: () => {
      throw new Error("target crashed");
    },
  },
});

function start(capacity = 1_000) {
  const pair = joined({ children: { backoffMs: [10, 20] } });
  const log: string[] = [];
  const release = Promise.withResolvers<void>();
  const watcher = pair.near.node.spawn(
    actor(Watcher, {
      mailbox: { capacity, full: "wait" },
      state: () => null,
      on: {
        watch: (_, address, ctx) => ctx.watch(ctx.ref(Target, address)),
        unwatch: (_, address, ctx) => ctx.unwatch(ctx.ref(Target, address)),
        heard: (_, index) => void log.push(`heard ${index}`),
        hold: () => release.promise,
        crash: () => {
          throw new Error("watcher crashed");
        },
        flush: () => null,
      },
      ended: (_, end) => void log.push(`ended ${end.reason} ${end.ref.address}`),
    }),
    { name: "watcher" },
  );
  const ref = pair.far.node.spawn(target, { name: "target", restart: "temporary" });
  return { ...pair, watcher, ref, log, release };
}

Deno.test("a watch of an actor on another node brings exactly one ended", async () => {
  const { world, near, far, watcher, ref, log, stop } = start();
  watcher.tell("watch", ref.address);
  watcher.tell("watch", ref.address);
  await world.pass(20);
  assert.equal(near.watches, 1);
  await world.complete(far.node.stopActor(ref));
  await world.pass(20);
  assert.deepEqual(log, [`ended stopped ${ref.address}`]);
  assert.equal(near.watches, 0);
  await stop();
});

Deno.test("ended follows the last message, also when those still wait for room", async () => {
  const { world, watcher, ref, log, release, stop } = start(2);
  watcher.tell("watch", ref.address);
  await world.pass(20);
  watcher.tell("hold", null);
  await world.pass(1);
  ref.tell("say", { to: watcher.address, count: 6 });
  await world.pass(50);
  assert.deepEqual(log, []);
  release.resolve();
  await world.pass(1);
  assert.deepEqual(log, [
    ...[0, 1, 2, 3, 4, 5].map((index) => `heard ${index}`),
    `ended stopped ${ref.address}`,
  ]);
  await stop();
});

Deno.test("a name that nobody has and a node that nobody knows are unreachable", async () => {
  const { world, near, watcher, log, stop } = start();
  for (const address of ["quorus://far/nobody", "quorus://unknown/target"]) {
    watcher.tell("watch", address);
  }
  await world.pass(50);
  assert.deepEqual(log, [
    "ended unreachable quorus://unknown/target",
    "ended unreachable quorus://far/nobody",
  ]);
  assert.equal(near.watches, 0);
  await stop();
});

Deno.test("unwatch takes a watch on another node back, even if its end is on the way", async () => {
  const { world, near, far, watcher, ref, log, stop } = start();
  watcher.tell("watch", ref.address);
  await world.pass(20);
  await world.complete(far.node.stopActor(ref));
  watcher.tell("unwatch", ref.address);
  await world.pass(50);
  assert.deepEqual(log, []);
  assert.equal(near.watches, 0);
  await stop();
});

Deno.test("a watcher that ends or restarts releases its watches on other nodes", async () => {
  const { world, near, far, watcher, ref, log, stop } = start();
  watcher.tell("watch", ref.address);
  await world.pass(20);
  watcher.tell("crash", null);
  await world.pass(100);
  assert.equal(near.watches, 0);
  watcher.tell("watch", ref.address);
  await world.pass(20);
  assert.equal(near.watches, 1);
  await world.complete(near.node.stopActor(watcher));
  assert.equal(near.watches, 0);
  await world.complete(far.node.stopActor(ref));
  assert.deepEqual(log, []);
  await stop();
});

Deno.test("node.ended() of an actor on another node resolves with its end, or with the own node's", async () => {
  const { world, near, far, ref } = start();
  const other = far.node.spawn(target, { name: "other" });
  const remote = near.node.ref(Target, ref.address);
  const crashed = near.node.ended(remote);
  const kept = near.node.ended(near.node.ref(Target, other.address));
  remote.tell("crash", null);
  assert.equal((await world.complete(crashed)).reason, "failed");
  await world.complete(near.node.stop());
  const end = await kept;
  assert.equal(end.reason, "unreachable");
  assert.equal((end.error as { code: string }).code, "NodeStopped");
  assert.equal(near.watches, 0);
  await world.complete(far.node.stop());
});

Deno.test("the end of a far node is told to its watchers once", async () => {
  for (const crash of [false, true]) {
    const { world, near, far, watcher, ref, log } = start();
    watcher.tell("watch", ref.address);
    await world.pass(20);
    if (crash) failNode(far.node, new Error("crash"));
    else await world.complete(far.node.stop());
    await world.pass(20);
    assert.deepEqual(log, [`ended ${crash ? "failed" : "stopped"} ${ref.address}`]);
    await world.complete(near.node.stop());
  }
});

Deno.test("an actor of another node cannot be stopped from here", async () => {
  const { near, ref, stop } = start();
  await assert.rejects(near.node.stopActor(near.node.ref(Target, ref.address)), {
    code: "NoSuchActor",
  });
  await stop();
});
