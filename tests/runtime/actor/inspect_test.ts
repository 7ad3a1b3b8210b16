import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";
import { joined } from "./loopback.ts";

const Desk = protocol("test.desk", {
  version: 1,
  messages: {
    work: ask(z.string(), z.string()),
    hold: ask(z.null(), z.string()),
    note: tell(z.number()),
  },
});

function desk(release: Promise<string>) {
  return actor(Desk, {
    mailbox: { capacity: 2, full: "wait" },
    state: () => null,
    on: {
      work: async (_, address, ctx) => await ctx.ref(Desk, address).ask("hold", null),
      hold: () => release,
      note: () => {},
    },
  });
}

Deno.test("inspect tells why an actor is stuck: what it handles, since when, for whom, who waits", async () => {
  const { near, far, world, stop } = joined();
  const release = Promise.withResolvers<string>();
  const front = near.node.spawn(desk(release.promise), { name: "front" });
  const back = near.node.spawn(desk(release.promise), { name: "back" });
  const remote = far.node.spawn(desk(release.promise), { name: "remote" });
  const asked = front.ask("work", back.address);
  const other = near.node.spawn(desk(release.promise), { name: "other" });
  const askedFar = other.ask("work", remote.address);
  await world.pass(50);
  for (let value = 0; value < 3; value += 1) void back.send("note", value);
  await world.pass(100);
  const [atFront, atBack, atOther] = near.node.inspect();
  assert.deepEqual([atFront!.handling, atFront!.waitsFor], ["work", [`hold ${back.address}`]]);
  assert.deepEqual([atBack!.handling, atBack!.handlingFrom], ["hold", front.address]);
  assert.ok(atBack!.handlingMs >= 149 && atBack!.handlingMs <= 151, String(atBack!.handlingMs));
  assert.deepEqual([atBack!.mailboxDepth, atBack!.waitingSenders], [2, 1]);
  assert.ok(atBack!.oldestMessageMs >= 99, String(atBack!.oldestMessageMs));
  assert.deepEqual(atOther!.waitsFor, [`hold ${remote.address}`]);
  assert.equal(far.node.inspect()[0]!.handlingFrom, other.address);
  assert.equal(near.node.metrics().remoteAsks, 1);
  assert.equal(near.node.metrics().waitingSenders, 1);
  release.resolve("done");
  assert.deepEqual(await world.complete(Promise.all([asked, askedFar])), ["done", "done"]);
  const [after] = near.node.inspect();
  assert.deepEqual([after!.handling, after!.handlingMs, after!.waitsFor], [null, 0, []]);
  assert.equal(near.node.metrics().remoteAsks, 0);
  await stop();
});

Deno.test("high-water marks stay when the mailbox is empty again", async () => {
  const { node, world } = virtualNode();
  const release = Promise.withResolvers<string>();
  const ref = node.spawn(desk(release.promise), {});
  const held = ref.ask("hold", null);
  await world.pass(1);
  ref.tell("note", 1);
  ref.tell("note", 2);
  await world.pass(70);
  release.resolve("done");
  await world.complete(held);
  await world.pass(1);
  const metrics = node.metrics();
  assert.deepEqual([metrics.mailboxDepth, metrics.mailboxDepthHigh], [0, 2]);
  assert.equal(node.inspect()[0]!.mailboxDepthHigh, 2);
  assert.equal(metrics.oldestMessageMs, 0);
  assert.ok(metrics.oldestMessageMsHigh >= 69, String(metrics.oldestMessageMsHigh));
  await world.complete(node.stop());
});

Deno.test("a message has no age yet when it comes after a long silence", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(desk(Promise.resolve("")), {});
  ref.tell("note", 1);
  await world.pass(60_000);
  ref.tell("note", 2);
  assert.equal(node.metrics().oldestMessageMs, 0);
  await world.pass(1);
  assert.ok(node.metrics().oldestMessageMsHigh <= 1);
  await world.complete(node.stop());
});

Deno.test("work is counted by message protocol, and dead letters by reason", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(desk(Promise.resolve("")), { name: "desk" });
  for (let value = 0; value < 2; value += 1) ref.tell("note", value);
  await world.pass(1);
  await world.complete(node.stopActor(ref));
  ref.tell("note", 3);
  node.ref(Desk, "quorus://virtual/nobody").tell("note", 4);
  node.ref(Desk, "quorus://elsewhere/desk").tell("note", 5);
  const { protocols, handlerTime, deadLettersByReason } = node.metrics();
  const work = protocols.find(({ protocol }) => protocol === "test.desk");
  assert.equal(work!.handled, 2);
  assert.equal(handlerTime.counts.reduce((sum, count) => sum + count), 2);
  assert.deepEqual(deadLettersByReason, {
    stopped: 1,
    noSuchActor: 1,
    dropped: 0,
    unreachable: 1,
    refused: 0,
    badMessage: 0,
    notAdmitted: 0,
  });
  await world.complete(node.stop());
});
