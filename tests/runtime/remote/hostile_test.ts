/** A peer that is linked and lies: it costs itself, and our memory and log stay bounded. */

import assert from "node:assert/strict";
import { z } from "zod";
import { actor } from "../../../runtime/actor/definition.ts";
import { ask, protocol, tell } from "../../../runtime/actor/protocol.ts";
import type { ConnectOptions, Socket } from "../../../runtime/env/sockets.ts";
import { encodePack } from "../../../runtime/remote/frames.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { Association } from "../../../runtime/remote/association.ts";
import type { Lane, SystemBody } from "../../../runtime/remote/wire.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { Any, askOf, CONTEXT, linkedPair, portPair, startHub, stateOf } from "./hub_nodes.ts";

function inject(from: { send(frame: Uint8Array): void }, lane: Lane, records: unknown[]): void {
  const packed = records.map((record) => {
    const text = JSON.stringify(record);
    return { text, head: null, attachments: [], bytes: text.length };
  });
  from.send(encodePack(lane, packed));
}

const Echo = protocol("test.echo", {
  version: 1,
  messages: { echo: ask(z.number(), z.string()), note: tell(z.number()) },
});
const echo = actor(Echo, {
  state: () => null,
  on: { echo: (_, length) => "x".repeat(length), note: () => {} },
});

function start(world: World, name: string, links: HubOptions): LinkedNode {
  const env = simulatedEnv({ seed: 1, world, name });
  const listen = [{ hostname: name, port: 4100 }];
  return startLinkedNode(env, {
    id: name,
    links: { token: "t", allowPlain: true, listen, ...links },
  });
}

Deno.test("who takes only short messages is told so, and costs no actor", async () => {
  const world = new World(1);
  const a = start(world, "a", {});
  const limits = { packBytes: 64, messageBytes: 200 };
  const b = start(world, "b", { limits, peers: [{ node: "a", url: "ws://a:4100" }] });
  a.spawn(echo, { name: "echo", args: undefined });
  await world.pass(1_000);
  const far = b.ref(Echo, "quorus://a/echo");
  for (let count = 0; count < 20; count += 1) {
    await assert.rejects(world.complete(far.ask("echo", 1_000)), /send it in parts/);
  }
  assert.equal(await world.complete(far.ask("echo", 3)), "xxx");
  assert.equal(a.metrics().restarts, 0);
});

Deno.test("a peer's windows beyond our own limits are not used: they would be our memory", async () => {
  const huge = { targetWindowMessages: 100_000, messageWindowMessages: 100_000 };
  const { a } = await linkedPair(1, { limits: { targetWindowMessages: 8 } }, { limits: huge });
  const target = a.hub.target("b", "hold", Any);
  const told = Array.from({ length: 9 }, () => target.tell("tell", 1, CONTEXT));
  assert.deepEqual(told, [...Array(8).fill("accepted"), "full"]);
});

Deno.test("a peer that goes far beyond its windows is given up", async () => {
  const { world, b, sockets } = await portPair();
  const record = { v: 1, type: "test.any/tell", to: "hold", body: 1 };
  for (let count = 0; count < 180; count += 1) {
    inject(sockets.client, "message", Array(100).fill(record));
    await world.pass(1);
  }
  assert.equal(stateOf(b, "a"), "unreachable");
  assert.ok(b.dock.received.length < 16_384 + 1_024 + 100, String(b.dock.received.length));
});

Deno.test("ends that wait for messages which never come are bounded", () => {
  const association = new Association({ systemMessages: 10, graceMs: 1_000, watches: 3 }, 0);
  association.connected([]);
  const after = { consensus: 0, message: 2 ** 40, bulk: 0 };
  const body: SystemBody = { do: "ended", watch: 1, reason: "stopped", after };
  for (let seq = 1; seq <= 3; seq += 1) association.took(seq, body);
  assert.equal(association.heldBack, 3);
  assert.deepEqual(association.took(4, body), [{ do: "end", cause: "systemOverflow" }]);
});

Deno.test("what is answered while a link closes goes over the next one, and credit is whole", async () => {
  const world = new World(1);
  const sockets: Socket[] = [];
  const env = simulatedEnv({ seed: 1, world, name: "b" });
  const connect = async (options: ConnectOptions): Promise<Socket> => {
    const socket = await env.sockets.connect(options);
    sockets.push(socket);
    return socket;
  };
  const a = startHub(world, "a");
  const b = startHub(world, "b", {}, { ...env, sockets: { ...env.sockets, connect } });
  await world.complete(Promise.all([a.hub.ready, b.hub.ready]));
  await world.complete(b.hub.connect({ node: "a", url: "ws://a:4100" }));
  const asked = askOf(b, "a", "slow", 1);
  await world.pass(50);
  sockets[0]!.send(new Uint8Array([9]));
  world.network.cut([["a", "b"]]);
  await world.pass(20); // a has read that and closes its end, which b does not hear
  a.dock.asked[0]!.settling.reply(7);
  await world.pass(500);
  world.network.heal();
  await world.pass(5_000);
  assert.equal(await world.complete(Promise.race([asked.outcome, "nothing"])), 7);
  assert.deepEqual(b.hub.peers()[0]!.held, []);
});

Deno.test("messages that no actor takes do not flood the log", async () => {
  const world = new World(1);
  const a = start(world, "a", {});
  const b = start(world, "b", { peers: [{ node: "a", url: "ws://a:4100" }] });
  a.spawn(echo, { name: "echo", args: undefined });
  await world.pass(1_000);
  const Lie = protocol("test.echo", { version: 1, messages: { note: tell(z.unknown()) } });
  const far = b.ref(Lie, "quorus://a/echo");
  for (let count = 0; count < 1_000; count += 1) far.tell("note", "no number");
  await world.pass(200);
  assert.equal(a.deadLetters.count, 1_000);
  const { logRecords } = (a.env as ReturnType<typeof simulatedEnv>).machine;
  const logged = logRecords.filter(({ message }) => message === "bad message");
  assert.ok(logged.length > 0 && logged.length <= 200, String(logged.length));
});
