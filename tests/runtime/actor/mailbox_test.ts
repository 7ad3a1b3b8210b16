import assert from "node:assert/strict";
import fc from "fast-check";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { Mailbox } from "../../../runtime/actor/mailbox.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";

Deno.test("a mailbox behaves like an array with push and shift", () => {
  const step = fc.oneof(
    fc.nat(3_000).map((count) => ({ push: count, shift: 0 })),
    fc.nat(3_000).map((count) => ({ push: 0, shift: count })),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const mailbox = new Mailbox<number>();
      const model: number[] = [];
      let next = 0;
      for (const { push, shift } of steps) {
        for (let count = 0; count < push; count += 1) {
          mailbox.push(next);
          model.push(next);
          next += 1;
        }
        for (let count = 0; count < shift; count += 1) {
          assert.equal(mailbox.peek(), model[0]);
          assert.equal(mailbox.shift(), model.shift());
        }
        assert.equal(mailbox.depth, model.length);
      }
    }),
    { numRuns: 50 },
  );
});

const Store = protocol("test.store", {
  version: 1,
  messages: { put: tell(z.number()), all: ask(z.null(), z.array(z.number())) },
});

function store(full: "wait" | "reject" | "drop") {
  return actor(Store, {
    mailbox: { capacity: 3, full },
    state: () => ({ items: [] as number[] }),
    on: { put: (state, item) => state.items.push(item), all: (state) => state.items },
  });
}

Deno.test("messages of one sender are handled in the order they were sent", async () => {
  const { node, world } = virtualNode();
  const big = actor(Store, {
    mailbox: { capacity: 10_000 },
    state: () => ({ items: [] as number[] }),
    on: { put: (state, item) => state.items.push(item), all: (state) => state.items },
  });
  const ref = node.spawn(big, {});
  const sent = Array.from({ length: 5_000 }, (_, index) => index);
  for (const item of sent) assert.equal(ref.tell("put", item), "accepted");
  assert.deepEqual(await world.complete(ref.ask("all", null)), sent);
  await world.complete(node.stop());
});

Deno.test("a full reject mailbox refuses tell, send and ask, and keeps what it has", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(store("reject"), {});
  for (const item of [1, 2, 3]) assert.equal(ref.tell("put", item), "accepted");
  assert.equal(ref.tell("put", 4), "full");
  await Promise.all([
    assert.rejects(ref.send("put", 5), { code: "MailboxFull", retryable: true }),
    assert.rejects(ref.ask("all", null), { code: "MailboxFull" }),
  ]);
  assert.equal(node.metrics().refusedFull, 3);
  await world.pass(1);
  assert.deepEqual(await world.complete(ref.ask("all", null)), [1, 2, 3]);
  await world.complete(node.stop());
});

Deno.test("a full drop mailbox drops the new message and counts it as a dead letter", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(store("drop"), { name: "store" });
  for (const item of [1, 2, 3]) ref.tell("put", item);
  assert.equal(ref.tell("put", 4), "dropped");
  await ref.send("put", 5);
  assert.equal(node.metrics().dropped, 2);
  assert.equal(node.deadLetters.count, 2);
  await world.pass(1);
  assert.deepEqual(await world.complete(ref.ask("all", null)), [1, 2, 3]);
  assert.equal(node.inspect()[0]!.dropped, 2);
  await world.complete(node.stop());
});

Deno.test("senders to a full wait mailbox get room in the order they came", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(store("wait"), {});
  for (const item of [1, 2, 3]) ref.tell("put", item);
  assert.equal(ref.tell("put", 99), "full");
  const sends = [4, 5, 6, 7].map((item) => ref.send("put", item));
  const reply = ref.ask("all", null);
  assert.equal(node.inspect()[0]!.waitingSenders, 5);
  await world.complete(Promise.all(sends));
  assert.deepEqual(await world.complete(reply), [1, 2, 3, 4, 5, 6, 7]);
  await world.complete(node.stop());
});

Deno.test("nobody gets past those that wait for room, the actor itself included", async () => {
  const { node, world } = virtualNode();
  const deliveries: string[] = [];
  const handled: number[] = [];
  const ref = node.spawn(
    actor(Store, {
      mailbox: { capacity: 2, full: "wait" },
      state: () => null,
      on: {
        put: (_, item, ctx) => {
          handled.push(item);
          if (item === 1) deliveries.push(ctx.self.tell("put", 99));
        },
        all: () => [],
      },
    }),
    {},
  );
  ref.tell("put", 1);
  ref.tell("put", 2);
  await world.complete(Promise.all([ref.send("put", 3), ref.send("put", 4)]));
  await world.pass(1);
  assert.deepEqual(deliveries, ["full"]);
  assert.deepEqual(handled, [1, 2, 3, 4]);
  await world.complete(node.stop());
});

Deno.test("a waiting send is given up by its signal and by the actor's end", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(store("wait"), {});
  for (const item of [1, 2, 3]) ref.tell("put", item);
  const controller = new AbortController();
  const aborted = assert.rejects(ref.send("put", 4, { signal: controller.signal }), {
    code: "Cancelled",
  });
  const lost = assert.rejects(ref.send("put", 5), { code: "ActorStopped" });
  controller.abort();
  const ended = node.stopActor(ref);
  await Promise.all([aborted, lost, ended]);
  await world.complete(node.stop());
});

Deno.test("send inside a handler is refused, because a handler may not wait for room", async () => {
  const { node, world } = virtualNode();
  const Relay = protocol("test.relay", {
    version: 1,
    messages: { relay: ask(z.null(), z.string()) },
  });
  const target = node.spawn(store("wait"), {});
  const ref = node.spawn(
    actor(Relay, {
      state: () => null,
      on: {
        relay: async () => {
          await Promise.resolve();
          return await target.send("put", 1).then(() => "sent", (error) => error.code as string);
        },
      },
    }),
    {},
  );
  assert.equal(await world.complete(ref.ask("relay", null)), "WaitInHandler");
  await world.complete(node.stop());
});

Deno.test("a sender that waits too long for room is reported", async () => {
  const { node, world, env } = virtualNode({ limits: { stalledSendMs: 100 } });
  const Stuck = protocol("test.stuck", { version: 1, messages: { work: tell(z.null()) } });
  const release = Promise.withResolvers<void>();
  const ref = node.spawn(
    actor(Stuck, {
      mailbox: { capacity: 1, full: "wait" },
      state: () => null,
      on: { work: () => release.promise },
    }),
    {},
  );
  ref.tell("work", null);
  await world.pass(1);
  ref.tell("work", null);
  const sent = ref.send("work", null);
  await world.pass(150);
  assert.equal(node.metrics().stalledSends, 1);
  assert.ok(node.metrics().oldestMessageMs >= 100);
  release.resolve();
  await world.complete(sent);
  await world.complete(node.stop());
  assert.ok(env);
});
