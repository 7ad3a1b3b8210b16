import assert from "node:assert/strict";
import { z } from "zod";
import { actor, type Ended } from "../../../runtime/actor/definition.ts";
import { protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";

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

function start(restart: "transient" | "temporary" = "temporary", capacity = 1_000) {
  const virtual = virtualNode({ children: { backoffMs: [10, 20] } });
  const log: string[] = [];
  const ends: Ended[] = [];
  const release = Promise.withResolvers<void>();
  const watcher = virtual.node.spawn(
    actor(Watcher, {
      mailbox: { capacity },
      state: () => null,
      on: {
        watch: (_, address, ctx) => ctx.watch(ctx.ref(Target, address)),
        unwatch: (_, address, ctx) => ctx.unwatch(ctx.ref(Target, address)),
        heard: (_, index) => void log.push(`heard ${index}`),
        hold: () => release.promise,
        crash: () => {
          throw new Error("watcher crashed");
        },
      },
      ended: (_, end) => {
        ends.push(end);
        log.push(`ended ${end.reason}`);
      },
    }),
    { name: "watcher" },
  );
  const ref = virtual.node.spawn(target, { name: "target", restart });
  return { ...virtual, watcher, ref, log, ends, release };
}

Deno.test("a watch brings exactly one ended, also when it is asked for twice", async () => {
  const { node, world, watcher, ref, log } = start();
  watcher.tell("watch", ref.address);
  watcher.tell("watch", ref.address);
  await world.pass(1);
  await world.complete(node.stopActor(ref));
  await world.pass(1);
  assert.deepEqual(log, ["ended stopped"]);
  await world.complete(node.stop());
});

Deno.test("ended follows the last message of the watched actor, though the mailbox is full", async () => {
  const { node, world, watcher, ref, log } = start("temporary", 5);
  watcher.tell("watch", ref.address);
  await world.pass(1);
  ref.tell("say", { to: watcher.address, count: 5 });
  await world.pass(1);
  assert.deepEqual(log, ["heard 0", "heard 1", "heard 2", "heard 3", "heard 4", "ended stopped"]);
  await world.complete(node.stop());
});

Deno.test("ended names the failure and its error", async () => {
  const { node, world, watcher, ref, ends } = start();
  watcher.tell("watch", ref.address);
  await world.pass(1);
  ref.tell("crash", null);
  await world.pass(1);
  assert.equal(ends[0]!.reason, "failed");
  assert.equal((ends[0]!.error as Error).message, "target crashed");
  assert.equal(ends[0]!.ref.address, ref.address);
  await world.complete(node.stop());
});

Deno.test("a restart is no end: ended comes once the actor is gone for good", async () => {
  const { node, world, watcher, ref, log } = start("transient");
  watcher.tell("watch", ref.address);
  await world.pass(1);
  ref.tell("crash", null);
  await world.pass(100);
  assert.deepEqual(log, []);
  assert.equal(node.metrics().restarts, 1);
  await world.complete(node.stopActor(ref));
  await world.pass(1);
  assert.deepEqual(log, ["ended stopped"]);
  await world.complete(node.stop());
});

Deno.test("watching an actor that is gone brings ended at once, with nobody there unreachable", async () => {
  const { node, world, watcher, ref, log } = start();
  ref.tell("crash", null);
  await world.pass(1);
  watcher.tell("watch", ref.address);
  await world.pass(1);
  assert.deepEqual(log, ["ended unreachable"]);
  assert.equal((await node.ended(ref)).reason, "failed");
  await world.complete(node.stop());
});

Deno.test("after unwatch no ended comes, even if it was queued already", async () => {
  const { node, world, watcher, ref, log, release } = start();
  watcher.tell("watch", ref.address);
  await world.pass(1);
  watcher.tell("hold", null);
  watcher.tell("unwatch", ref.address);
  await world.pass(1);
  await world.complete(node.stopActor(ref));
  release.resolve();
  await world.pass(1);
  assert.deepEqual(log, []);
  await world.complete(node.stop());
});

Deno.test("a watcher that restarted has no watches left", async () => {
  const { node, world, watcher, ref, log } = start();
  watcher.tell("watch", ref.address);
  watcher.tell("crash", null);
  await world.pass(100);
  const other = node.spawn(target, { name: "other" });
  watcher.tell("watch", other.address);
  await world.pass(1);
  await world.complete(node.stopActor(ref));
  await world.pass(1);
  assert.deepEqual(log, []);
  await world.complete(node.stopActor(other));
  await world.pass(1);
  assert.deepEqual(log, ["ended stopped"]);
  await world.complete(node.stop());
});

Deno.test("a watcher that restarted may watch the same actor again", async () => {
  const { node, world, watcher, ref, log } = start();
  watcher.tell("watch", ref.address);
  watcher.tell("crash", null);
  watcher.tell("watch", ref.address);
  await world.pass(100);
  await world.complete(node.stopActor(ref));
  await world.pass(1);
  assert.deepEqual(log, ["ended stopped"]);
  await world.complete(node.stop());
});

Deno.test("node.ended() resolves once the actor is gone for good", async () => {
  const { node, world, ref } = start();
  const ended = node.ended(ref);
  ref.tell("crash", null);
  assert.equal((await world.complete(ended)).reason, "failed");
  await world.complete(node.stop());
});
