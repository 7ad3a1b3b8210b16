/** The hub over simulated connections: linking, messages, asks, watches, loss and return. */

import assert from "node:assert/strict";
import { ActorError } from "../../../runtime/actor/errors.ts";
import { RemoteError } from "../../../runtime/remote/handshake_refusals.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import {
  Any,
  askOf,
  CONTEXT,
  linkedPair,
  startHub,
  stateOf,
  type TestNode,
  TOKEN,
} from "./hub_nodes.ts";

function tellMany({ hub }: TestNode, node: string, path: string, from: number, to: number): void {
  const target = hub.target(node, path, Any);
  for (let n = from; n < to; n += 1) {
    assert.equal(target.tell("tell", n, CONTEXT), "accepted");
  }
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

Deno.test("messages pass both ways, in order, with from and trace", async () => {
  const { world, a, b } = await linkedPair();
  tellMany(b, "a", "x", 0, 500);
  const context = { from: "quorus://a/y", trace: "00-1-2-01" };
  a.hub.target("b", "z", Any).tell("tell", { s: new Uint8Array([1]), d: undefined }, context);
  await world.pass(100);
  assert.deepEqual(a.dock.bodies("x"), range(0, 500));
  const [got] = b.dock.received;
  assert.deepEqual(got, {
    path: "z",
    protocol: "test.any",
    version: 1,
    tag: "tell",
    body: { s: new Uint8Array([1]), d: undefined },
    node: "a",
    from: "quorus://a/y",
    trace: "00-1-2-01",
  });
});

Deno.test("asks are answered, with their budget, and what fails says so in its own code", async () => {
  const { world, a, b } = await linkedPair();
  const echo = askOf(b, "a", "echo", { x: 1n }, 1_234);
  assert.deepEqual(await world.complete(echo.outcome), { x: 1n });
  assert.equal(a.dock.asked[0]!.budgetMs, 1_234);
  const failing = askOf(b, "a", "slow", null);
  await world.pass(50);
  a.dock.asked[1]!.settling.fail(
    new ActorError("MailboxFull", "no room", { retryable: true, definite: true }),
  );
  await assert.rejects(world.complete(failing.outcome), {
    code: "MailboxFull",
    message: "no room",
    retryable: true,
    definite: true,
  });
});

Deno.test("cancelling an ask tells the far side", async () => {
  const { world, a, b } = await linkedPair();
  const slow = askOf(b, "a", "slow", null);
  await world.pass(50);
  slow.cancel();
  await world.pass(50);
  assert.equal(a.dock.cancelled.length, 1);
  assert.equal(b.hub.peers()[0]!.asked, 0);
  assert.equal(a.hub.peers()[0]!.answering, 0);
  assert.deepEqual(b.hub.peers()[0]!.held, []);
});

Deno.test("a sender without credit is told full, send waits, and processing gives credit back", async () => {
  const { world, a, b } = await linkedPair(1, { limits: { targetWindowMessages: 4 } });
  const target = b.hub.target("a", "hold", Any);
  const told = range(0, 6).map((n) => target.tell("tell", n, CONTEXT));
  assert.deepEqual(told, ["accepted", "accepted", "accepted", "accepted", "full", "full"]);
  const waiting = target.send("tell", 6, CONTEXT);
  const abort = new AbortController();
  const given = target.send("tell", 7, CONTEXT, abort.signal);
  given.catch(() => {});
  await world.pass(100);
  assert.equal(a.dock.held.length, 4);
  abort.abort();
  await assert.rejects(given, { code: "Cancelled" });
  for (const receipt of a.dock.held.splice(0)) receipt.processed("handled");
  await world.complete(waiting);
  await world.pass(100);
  assert.deepEqual(a.dock.bodies("hold"), [0, 1, 2, 3, 6]);
});

Deno.test("a short cut loses nothing that was queued, keeps order, and asks go on", async () => {
  const { world, a, b } = await linkedPair();
  const slow = askOf(b, "a", "slow", null);
  tellMany(b, "a", "x", 0, 100);
  await world.pass(50);
  world.network.reset("a", "b");
  await world.pass(1);
  assert.equal(stateOf(b, "a"), "down");
  tellMany(b, "a", "x", 100, 200);
  a.dock.asked[0]!.settling.reply("late");
  assert.equal(await world.complete(slow.outcome), "late");
  await world.pass(200);
  assert.equal(stateOf(b, "a"), "up");
  assert.deepEqual(a.dock.bodies("x"), range(0, 200));
  assert.deepEqual(b.hub.peers()[0]!.held, []);
});

Deno.test("what was under way when a socket broke comes at most once, in order, and its credit is whole", async () => {
  for (let seed = 1; seed <= 20; seed += 1) {
    const { world, a, b } = await linkedPair(seed);
    for (let round = 0; round < 10; round += 1) {
      tellMany(b, "a", "x", round * 50, round * 50 + 50);
      await world.pass(seed * 0.3);
      world.network.reset("a", "b");
      await world.pass(300);
    }
    const got = a.dock.bodies("x") as number[];
    assert.deepEqual(got, [...new Set(got)].sort((one, two) => one - two), `seed ${seed}`);
    assert.deepEqual(b.hub.peers()[0]!.held, [], `seed ${seed}`);
  }
});

Deno.test("an actor that ends is told once to who watches it, after its last message", async () => {
  const { world, a, b } = await linkedPair();
  const log: string[] = [];
  b.hub.watch("a", "w", (reason) => void log.push(`${reason} after ${b.dock.received.length}`));
  await world.pass(50);
  tellMany(a, "b", "x", 0, 300);
  a.dock.end("w", "stopped");
  await world.pass(100);
  assert.deepEqual(log, ["stopped after 300"]);
});

Deno.test("a watch outlives the socket, and one that was taken back is not told", async () => {
  const { world, a, b } = await linkedPair();
  const log: string[] = [];
  b.hub.watch("a", "w", (reason) => void log.push(reason));
  const release = b.hub.watch("a", "v", (reason) => void log.push(reason));
  await world.pass(20);
  world.network.reset("a", "b");
  await world.pass(2);
  release();
  a.dock.end("w", "failed");
  a.dock.end("v", "failed");
  await world.pass(500);
  a.dock.end("w", "failed");
  await world.pass(100);
  assert.deepEqual(log, ["failed"]);
  assert.equal(a.dock.watchers.get("v")?.size ?? 0, 0);
});

Deno.test("beyond the grace a peer is unreachable: watches, asks and queue settle, once", async () => {
  const { world, a, b } = await linkedPair();
  const log: string[] = [];
  b.hub.watch("a", "w", (reason) => void log.push(reason));
  const slow = askOf(b, "a", "slow", null);
  await world.pass(50);
  world.network.partition([["a"], ["b"]]);
  await world.pass(7_000); // found by pings
  assert.equal(stateOf(b, "a"), "down");
  tellMany(b, "a", "x", 0, 3);
  await world.pass(7_000);
  assert.equal(stateOf(b, "a"), "unreachable");
  assert.deepEqual(log, ["unreachable"]);
  await assert.rejects(slow.outcome, { code: "Unreachable", definite: false });
  assert.deepEqual(b.dock.deadLetters, range(0, 3).map((n) => `quorus://a/x tell ${n}`));
  assert.equal(b.hub.target("a", "x", Any).tell("tell", 1, CONTEXT), "unreachable");
  assert.deepEqual(a.dock.cancelled.length, 1);
});

Deno.test("after both have given each other up they meet again as new incarnations", async () => {
  const { world, a, b } = await linkedPair();
  world.network.partition([["a"], ["b"]]);
  await world.pass(20_000);
  assert.equal(stateOf(a, "b"), "unreachable");
  world.network.heal();
  await world.pass(15_000);
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"]);
  tellMany(b, "a", "x", 0, 10);
  await world.pass(100);
  assert.deepEqual(a.dock.bodies("x"), range(0, 10));
});

Deno.test("who was given up alone is told so, ends its side, and comes back new", async () => {
  const gaveUp: string[] = [];
  const { world, a, b } = await linkedPair(1, { limits: { graceMs: 1_000, connectMs: 1_000 } }, {
    limits: { graceMs: 60_000 },
    onQuarantined: ({ node }) => void gaveUp.push(node),
  });
  const log: string[] = [];
  b.hub.watch("a", "w", (reason) => void log.push(reason));
  world.network.partition([["a"], ["b"]]);
  await world.pass(10_000);
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["unreachable", "down"]);
  assert.deepEqual(log, []);
  world.network.heal();
  await world.pass(15_000);
  assert.deepEqual(log, ["unreachable"]);
  assert.deepEqual(gaveUp, ["a"]);
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"]);
});

Deno.test("a process that died and came back is a new incarnation: the old one's watches end", async () => {
  const { world, a, b } = await linkedPair();
  const log: string[] = [];
  a.hub.watch("b", "w", (reason) => void log.push(reason));
  await world.pass(50);
  b.env.crash("process");
  await world.pass(200);
  const again = startHub(world, "b", {}, b.env.restart());
  await world.complete(again.hub.connect({ node: "a", url: "ws://a:4100" }));
  await world.pass(50);
  assert.deepEqual(log, ["unreachable"]);
  tellMany(again, "a", "x", 0, 5);
  await world.pass(50);
  assert.deepEqual(a.dock.bodies("x"), range(0, 5));
});

Deno.test("a second node of the same id is refused while the first answers, and let in when it is gone", async () => {
  const { world, a, b } = await linkedPair();
  const c = startHub(
    world,
    "c",
    {},
    simulatedEnv({ seed: 1, world, name: "c" }),
    "b",
  );
  await assert.rejects(
    world.complete(c.hub.connect({ node: "a", url: "ws://a:4100" })),
    (error) => error instanceof RemoteError && error.code === "DuplicateNode",
  );
  assert.equal(stateOf(a, "b"), "up");
  tellMany(b, "a", "x", 0, 3);
  await world.pass(20);
  assert.deepEqual(a.dock.bodies("x"), range(0, 3));
  b.env.crash("power");
  await world.pass(12_000);
  assert.equal(stateOf(c, "a"), "up");
});

Deno.test("two nodes that dial each other at once end with one connection", async () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const world = new World(seed);
    const a = startHub(world, "a");
    const b = startHub(world, "b");
    await world.complete(Promise.all([a.hub.ready, b.hub.ready]));
    const both = Promise.all([
      a.hub.connect({ node: "b", url: "ws://b:4100" }),
      b.hub.connect({ node: "a", url: "ws://a:4100" }),
    ]);
    await world.complete(both);
    await world.pass(3_000);
    assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"], `seed ${seed}`);
    assert.equal(world.network.connections, 1, `seed ${seed}`);
    assert.deepEqual(a.kinds().filter((kind) => kind.startsWith("down")), [], `seed ${seed}`);
    tellMany(a, "b", "x", 0, 5);
    tellMany(b, "a", "x", 0, 5);
    await world.pass(50);
    assert.deepEqual([a.dock.bodies(), b.dock.bodies()], [range(0, 5), range(0, 5)]);
  }
});

Deno.test("a wrong token is refused for good; a peer that is not there yet is waited for", async () => {
  const world = new World(1);
  const b = startHub(world, "b", { token: "another token, as long as it should be" });
  const late = b.hub.connect({ node: "a", url: "ws://a:4100" });
  const env = simulatedEnv({ seed: 1, world, name: "a" });
  await world.pass(3_000);
  assert.equal(stateOf(b, "a"), "joining");
  const a = startHub(world, "a", {}, env);
  await assert.rejects(world.complete(late), { code: "WrongToken" });
  await world.pass(20_000);
  assert.equal(a.hub.peers().length, 0);
  assert.ok(!JSON.stringify([a.events, b.events]).includes(TOKEN));
});

Deno.test("a node that dials itself is told so", async () => {
  const world = new World(1);
  const a = startHub(world, "a");
  await world.complete(a.hub.ready);
  await assert.rejects(world.complete(a.hub.connect({ url: "ws://a:4100" })), {
    code: "SelfConnect",
  });
});

Deno.test("plain links beyond loopback, or without credential, are refused at once", async () => {
  const world = new World(1);
  const env = simulatedEnv({ seed: 1, world, name: "a" });
  assert.throws(() => startHub(world, "a", { allowPlain: false }, env), { code: "PlainLink" });
  const { hub } = startHub(world, "a", { listen: [], allowPlain: false }, env);
  await assert.rejects(hub.connect({ url: "ws://b:1" }), { code: "PlainLink" });
  await assert.rejects(hub.connect({ url: "http://b:1" }), { code: "PlainLink" });
  assert.deepEqual(hub.urls, []);
});

Deno.test("bulk goes over a socket of its own, opened when first needed by who has dialled", async () => {
  const { world, a, b } = await linkedPair();
  assert.equal(world.network.connections, 1);
  a.hub.target("b", "disk", Any).tell("big", new Uint8Array(100_000), CONTEXT);
  await world.pass(500);
  assert.equal(world.network.connections, 2);
  b.hub.target("a", "disk", Any).tell("big", new Uint8Array(50_000), CONTEXT);
  await world.pass(500);
  assert.equal(world.network.connections, 2);
  assert.equal((b.dock.bodies("disk")[0] as Uint8Array).length, 100_000);
  assert.equal((a.dock.bodies("disk")[0] as Uint8Array).length, 50_000);
});

Deno.test("goodbye ends the association on both sides at once, and it can be made again", async () => {
  const { world, a, b } = await linkedPair();
  const log: string[] = [];
  a.hub.watch("b", "w", (reason) => void log.push(reason));
  await world.complete(b.hub.disconnect("a"));
  await world.pass(100);
  assert.deepEqual(log, ["unreachable"]);
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["unreachable", "unreachable"]);
  await world.pass(10_000);
  assert.equal(stateOf(b, "a"), "unreachable");
  await world.complete(b.hub.connect({ node: "a", url: "ws://a:4100" }));
  await world.pass(10);
  assert.equal(stateOf(a, "b"), "up");
});

Deno.test("a new incarnation of the links leaves everyone and comes back", async () => {
  const { world, a, b } = await linkedPair();
  const before = b.hub.incarnation;
  assert.notEqual(b.hub.renew(), before);
  await world.pass(5_000);
  assert.deepEqual([stateOf(a, "b"), stateOf(b, "a")], ["up", "up"]);
});

Deno.test("closing settles everything and leaves no connection", async () => {
  const { world, a, b } = await linkedPair();
  const slow = askOf(b, "a", "slow", null);
  const nowhere = b.hub.connect({ url: "ws://nowhere:1" });
  nowhere.catch(() => {});
  await world.pass(50);
  await world.complete(b.hub.close());
  await assert.rejects(slow.outcome, { code: "Unreachable" });
  await assert.rejects(nowhere, { code: "HubClosed" });
  await assert.rejects(b.hub.connect({ url: "ws://a:4100" }), { code: "HubClosed" });
  await world.complete(a.hub.close());
  assert.equal(world.network.connections, 0);
});
