import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import type { DeadLetter } from "../../../runtime/actor/dead_letters.ts";
import { parseAddress } from "../../../runtime/actor/address.ts";
import { ask, parseBody, protocol, tell } from "../../../runtime/actor/protocol.ts";
import { startNode } from "../../../mod.ts";
import { probe, simulatedEnv, virtualNode } from "../../../testing.ts";

const Echo = protocol("test.echo", {
  version: 1,
  messages: { note: tell(z.unknown()), echo: ask(z.unknown(), z.unknown()) },
});
const echo = actor(Echo, {
  state: (_: undefined, ctx) => ({ address: ctx.self.address }),
  on: { note: () => {}, echo: (_state, body) => body },
});

Deno.test("an actor is found by its address, and a name follows whoever has it", async () => {
  const { node, world } = virtualNode({ id: "node-a" });
  const first = node.spawn(echo, { name: "job/42" });
  assert.equal(first.address, "quorus://node-a/job/42");
  const byName = node.ref(Echo, first.address);
  assert.equal(await world.complete(byName.ask("echo", 1)), 1);
  await world.complete(node.stopActor(first));
  assert.equal(byName.tell("note", 1), "dead");
  node.spawn(echo, { name: "job/42" });
  assert.equal(await world.complete(byName.ask("echo", 2)), 2);
  assert.equal(first.tell("note", 3), "dead");
  await world.complete(node.stop());
});

Deno.test("names and addresses that could not stand in an address are refused", async () => {
  const { node, world } = virtualNode();
  for (const name of ["", "/a", "a//b", "a b", "ü", "x".repeat(513), "a/"]) {
    assert.throws(() => node.spawn(echo, { name }), { code: "BadName" }, name);
  }
  for (const text of ["quorus://n", "quorus:///a", "http://n/a", "quorus://n/a b"]) {
    assert.throws(() => parseAddress(text), { code: "BadName" }, text);
  }
  assert.throws(() => virtualNode({ id: "a/b" }), { code: "BadName" });
  assert.throws(() => protocol("Bad Name", { version: 1, messages: {} }), { code: "BadName" });
  assert.throws(() => protocol("ok", { version: 0, messages: {} }), { code: "BadName" });
  await world.complete(node.stop());
});

Deno.test("dead letters are all counted and shown to subscribers at a bounded rate", async () => {
  const { node, world } = virtualNode({ limits: { deadLettersPerSecond: 5 } });
  const seen: DeadLetter[] = [];
  const unsubscribe = node.deadLetters.subscribe((letter) => seen.push(letter));
  const nobody = node.ref(Echo, "quorus://virtual/nobody");
  await world.pass(1);
  for (let count = 0; count < 100; count += 1) nobody.tell("note", count);
  assert.equal(node.deadLetters.count, 100);
  assert.ok(seen.length >= 5 && seen.length <= 10, String(seen.length));
  assert.deepEqual(seen[0], {
    address: nobody.address,
    tag: "note",
    body: 0,
    reason: "noSuchActor",
  });
  await world.pass(1_100);
  const before = seen.length;
  nobody.tell("note", "again");
  assert.equal(seen.length, before + 1);
  unsubscribe();
  nobody.tell("note", "unseen");
  assert.equal(seen.length, before + 1);
  await world.complete(node.stop());
});

Deno.test("a dead letter listener that throws is removed and harms nobody", async () => {
  const { node, world } = virtualNode();
  let calls = 0;
  node.deadLetters.subscribe(() => {
    calls += 1;
    throw new Error("listener");
  });
  const nobody = node.ref(Echo, "quorus://virtual/nobody");
  nobody.tell("note", 1);
  nobody.tell("note", 2);
  await assert.rejects(nobody.send("note", 3), { code: "NoSuchActor" });
  assert.equal(calls, 1);
  await world.complete(node.stop());
});

Deno.test("refs to a node without a link say unreachable", async () => {
  const { node, world } = virtualNode();
  const far = node.ref(Echo, "quorus://node-b/x");
  assert.equal(far.tell("note", 1), "unreachable");
  await assert.rejects(far.send("note", 1), { code: "Unreachable", retryable: true });
  await world.complete(node.stop());
});

Deno.test("inspect shows the tree with mailbox depth, age of the oldest message and state of life", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(echo, { name: "e" });
  ref.tell("note", 1);
  ref.tell("note", 2);
  const [view] = node.inspect();
  assert.equal(view!.mailboxDepth, 2);
  assert.equal(view!.phase, "running");
  assert.equal(view!.protocol, "test.echo");
  await world.pass(1);
  assert.equal(node.inspect()[0]!.mailboxDepth, 0);
  assert.equal(node.metrics().messagesHandled, 2);
  await world.complete(node.stop());
});

Deno.test("with round trips a message that the codec cannot carry is refused at the sender", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(echo, {});
  assert.throws(() => ref.tell("note", () => 1), { code: "NotEncodable" });
  await assert.rejects(ref.ask("echo", Symbol("x")), { code: "NotEncodable" });
  const body = { when: new Date(5), big: 5n, none: undefined, map: new Map([[1, NaN]]) };
  const reply = await world.complete(ref.ask("echo", body));
  assert.deepStrictEqual(reply, body);
  assert.notEqual(reply, body);
  await world.complete(node.stop());
});

Deno.test("without round trips a message arrives as the very object that was sent", async () => {
  const { node, world } = virtualNode({ roundTripMessages: false });
  const body = { any: "thing" };
  assert.equal(await world.complete(node.spawn(echo, {}).ask("echo", body)), body);
  await world.complete(node.stop());
});

Deno.test("a message that the protocol does not know fails the actor that gets it", async () => {
  const { node, world } = virtualNode();
  const ref = node.spawn(echo, { restart: "temporary" });
  (ref as unknown as { tell(tag: string, body: unknown): void }).tell("unknown", 1);
  assert.equal((await world.complete(node.ended(ref))).reason, "failed");
  await world.complete(node.stop());
});

Deno.test("a mailbox without room for one message is refused", () => {
  const mailbox = { capacity: 0 };
  assert.throws(
    () => actor(Echo, { mailbox, state: () => null, on: { note: () => {}, echo: () => 1 } }),
    { code: "TooMany" },
  );
});

Deno.test("parseBody() takes what the schema takes and refuses the rest", () => {
  const Typed = protocol("test.typed", {
    version: 1,
    messages: { put: tell(z.object({ size: z.number() })) },
  });
  assert.deepEqual(parseBody(Typed, "put", { size: 3 }), { size: 3 });
  assert.throws(() => parseBody(Typed, "put", { size: "3" }), { code: "BadMessage" });
  assert.throws(() => parseBody(Typed, "constructor" as "put", {}), { code: "BadMessage" });
});

Deno.test("a probe records what it is told and answers what it was given answers for", async () => {
  const { node, world } = virtualNode();
  const one = probe(node, Echo, { name: "probe", replies: { echo: (body) => [body] } });
  assert.deepEqual(await world.complete(one.ref.ask("echo", "x")), ["x"]);
  one.ref.tell("note", "first");
  one.ref.tell("note", "second");
  assert.equal(await world.complete(one.next("note")), "first");
  assert.equal(await world.complete(one.next("note")), "second");
  assert.equal(one.received.length, 3);
  const mute = probe(node, Echo);
  await assert.rejects(world.complete(mute.ref.ask("echo", 1)), { code: "HandlerFailed" });
  await world.complete(node.stop());
});

Deno.test("startNode() of mod.ts runs on a given Env, or on this machine and frees it at the end", async () => {
  const env = simulatedEnv({ seed: 3 });
  const virtual = startNode({ id: "given", env });
  assert.equal(await env.world.complete(virtual.spawn(echo, {}).ask("echo", 1)), 1);
  await env.world.complete(virtual.stop());
  const real = startNode({ id: "real", log: { write: () => {} } });
  assert.equal(await real.spawn(echo, {}).ask("echo", 2, { withinMs: 500 }), 2);
  await real.stop();
});
