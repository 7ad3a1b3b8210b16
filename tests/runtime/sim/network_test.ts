import assert from "node:assert/strict";
import type { SocketErrorCode } from "../../../runtime/env/sockets.ts";
import { SocketError } from "../../../runtime/env/errors.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { BACK, BOUNDS, frame, NEVER, numbers, THERE, twoMachines } from "./two_machines.ts";

const MINUTE_MS = 60_000;

function failsWith(code: SocketErrorCode, words: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof SocketError && error.code === code && words.test(error.message);
}

/** Traffic both ways over a slow path that is cut and clogged on the way; gives the trace's hash. */
async function traffic(seed: number): Promise<string> {
  const { world, fromClient, fromServer, atClient, atServer } = await twoMachines(seed);
  world.network.shape({ delayMs: { low: 1, high: 300 } });
  for (let number = 0; number < 20; number += 1) {
    fromClient.send(frame(number));
    fromServer.send(frame(number));
    if (number === 5) world.network.cut([THERE]);
    if (number === 10) world.network.clog([BACK], 700);
    if (number === 15) world.network.heal();
    await world.pass(40);
  }
  await world.complete(Promise.all([atServer.received(20), atClient.received(20)]));
  return world.traceHash();
}

Deno.test("a seed alone gives the same traffic as that seed after fifty others", async () => {
  const alone = await traffic(7);
  const hashes = new Set<string>([alone]);
  for (let seed = 100; seed < 150; seed += 1) hashes.add(await traffic(seed));
  assert.equal(hashes.size, 51, "seeds differ");
  assert.equal(await traffic(7), alone);
});

Deno.test("frames take the path's delay and its bandwidth, and keep their order", async () => {
  const { world, fromClient, atServer } = await twoMachines();
  world.network.shape({ delayMs: { low: 100, high: 2_000 } });
  const before = world.nowMs;
  for (let number = 0; number < 30; number += 1) fromClient.send(frame(number));
  await world.complete(atServer.received(30));
  assert.deepEqual(numbers(atServer), Array.from({ length: 30 }, (_, number) => number));
  assert.ok(world.nowMs - before >= 100);
  world.network.shape({ delayMs: { low: 1, high: 1 }, bytesPerMs: 10 }, THERE);
  const sentAt = world.nowMs;
  fromClient.send(new Uint8Array(10_000));
  await world.complete(atServer.received(31));
  assert.ok(world.nowMs - sentAt >= 1_001);
});

Deno.test("a cut path holds frames back and loses none, and nobody is told", async () => {
  const { world, fromClient, fromServer, atClient, atServer } = await twoMachines();
  world.network.partition([["client"], ["server"]]);
  for (let number = 0; number < 5; number += 1) {
    fromClient.send(frame(number));
    fromServer.send(frame(number));
  }
  await world.pass(5 * MINUTE_MS);
  assert.deepEqual([atClient.frames.length, atServer.frames.length], [0, 0]);
  assert.deepEqual([atClient.ends.length, atServer.ends.length], [0, 0]);
  world.network.heal();
  await world.complete(Promise.all([atServer.received(5), atClient.received(5)]));
  assert.deepEqual([numbers(atClient), numbers(atServer)], [[0, 1, 2, 3, 4], [0, 1, 2, 3, 4]]);
});

Deno.test("a kernel that sends again in vain for a quarter of an hour gives up", async () => {
  const { world, fromClient, atClient, atServer } = await twoMachines();
  world.network.cut([THERE]);
  fromClient.send(frame(1));
  await world.pass(20 * MINUTE_MS);
  assert.deepEqual(atClient.ends, [{ code: 1006, reason: "" }]);
  assert.equal(atServer.ends.length, 0, "the idle side hears nothing");
});

Deno.test("one direction may be cut alone: the other is heard until its window is full", async () => {
  const { world, fromClient, fromServer, atClient, atServer } = await twoMachines();
  world.network.cut([THERE]);
  fromClient.send(frame(1));
  for (let number = 0; number < 40; number += 1) fromServer.send(new Uint8Array(2 ** 15));
  await world.pass(MINUTE_MS);
  assert.equal(atServer.frames.length, 0);
  assert.equal(atClient.frames.length, 8, "256 KiB, for no confirmation comes back");
  assert.ok(fromServer.bufferedBytes > 0);
  world.network.heal([THERE]);
  await world.complete(Promise.all([atServer.received(1), atClient.received(40)]));
});

Deno.test("a clogged path lets everything pass when the clog ends", async () => {
  const { world, fromClient, atServer } = await twoMachines();
  world.network.clog([THERE], 5_000);
  fromClient.send(frame(1));
  await world.pass(4_900);
  assert.equal(atServer.frames.length, 0);
  await world.pass(200);
  assert.deepEqual(numbers(atServer), [1]);
});

Deno.test("a reset ends the connections between two machines with 1006", async () => {
  const { world, atClient, atServer } = await twoMachines();
  world.network.reset("server", "client");
  await world.settle();
  assert.deepEqual([atClient.ends[0]?.code, atServer.ends[0]?.code], [1006, 1006]);
  assert.equal(world.network.connections, 0);
});

Deno.test("a process that crashes resets its connections", async () => {
  const { world, server, atClient, atServer } = await twoMachines();
  const before = world.nowMs;
  server.crash("process");
  assert.equal((await world.complete(atClient.ended())).code, 1006);
  assert.ok(world.nowMs - before > 0 && world.nowMs - before < 10);
  assert.equal(atServer.ends.length, 0, "the dead are told nothing");
  assert.equal(world.network.connections, 0);
});

Deno.test("of what a process had sent before its crash any first part arrives", async () => {
  const seen = new Set<number>();
  for (let seed = 0; seed < 40; seed += 1) {
    const { world, client, fromClient, atServer } = await twoMachines(seed);
    for (let number = 0; number < 3; number += 1) fromClient.send(frame(number));
    client.crash("process");
    await world.complete(atServer.ended());
    assert.deepEqual(numbers(atServer), [0, 1, 2].slice(0, atServer.frames.length));
    seen.add(atServer.frames.length);
  }
  assert.deepEqual([...seen].sort(), [0, 1, 2, 3]);
});

Deno.test("a crash behind a cut path leaves a half-open connection until somebody sends", async () => {
  const { world, server, fromClient, atClient } = await twoMachines();
  world.network.cut([BACK]);
  server.crash("process");
  await world.pass(MINUTE_MS);
  world.network.heal();
  await world.pass(MINUTE_MS);
  assert.equal(atClient.ends.length, 0);
  fromClient.send(frame(1));
  assert.equal((await world.complete(atClient.ended())).code, 1006);
});

Deno.test("after a power loss nothing is heard until a frame meets the machine's next life", async () => {
  const { world, server, fromClient, atClient } = await twoMachines();
  server.crash("power");
  await world.pass(MINUTE_MS);
  fromClient.send(frame(1));
  await world.pass(MINUTE_MS);
  assert.equal(atClient.ends.length, 0);
  server.restart();
  assert.equal((await world.complete(atClient.ended())).code, 1006);
});

Deno.test("the sockets of a crashed life never call back, its connects never settle", async () => {
  const { world, client, fromServer, fromClient, atClient, url } = await twoMachines();
  let settled = 0;
  const count = () => settled += 1;
  client.sockets.connect({ url, bounds: BOUNDS, signal: NEVER }).then(count, count);
  const aborted = new AbortController();
  client.sockets.connect({ url, bounds: BOUNDS, signal: aborted.signal }).then(count, count);
  fromServer.send(frame(1));
  client.crash("process");
  aborted.abort();
  client.sockets.connect({ url, bounds: BOUNDS, signal: NEVER }).then(count, count);
  fromClient.send(frame(2));
  await world.settle();
  assert.deepEqual([settled, atClient.frames.length, atClient.ends.length], [0, 0, 0]);
});

Deno.test("a listener dies with its process, and its port is free for the next life", async () => {
  const { world, client, server, url } = await twoMachines();
  server.crash("process");
  const connect = () =>
    world.complete(client.sockets.connect({ url, bounds: BOUNDS, signal: NEVER }));
  await assert.rejects(connect(), failsWith("refused", /nobody listens/));
  const next = server.restart();
  const options = { hostname: "server", port: 7_000, bounds: BOUNDS };
  await world.complete(next.sockets.listen(options, () => {}));
  await connect();
});

Deno.test("a machine nobody knows is dns, one that does not answer unreachable or aborted", async () => {
  const { world, client, server, url } = await twoMachines();
  const connect = (to: string, signal = NEVER) =>
    world.complete(client.sockets.connect({ url: to, bounds: BOUNDS, signal }));
  await assert.rejects(connect("ws://nowhere:7000"), failsWith("dns", /ws:\/\/nowhere:7000/));
  server.crash("power");
  const before = world.nowMs;
  await assert.rejects(connect(url), failsWith("unreachable", /127000 ms/));
  assert.equal(Math.round(world.nowMs - before), 127_000);
  const controller = new AbortController();
  client.timers.after(50, () => controller.abort());
  await assert.rejects(connect(url, controller.signal), failsWith("aborted", /server:7000/));
});

Deno.test("a connect through a partition succeeds once it is healed", async () => {
  const { world, client, url } = await twoMachines();
  world.network.cut([BACK]);
  const connecting = client.sockets.connect({ url, bounds: BOUNDS, signal: NEVER });
  await world.pass(10_000);
  world.network.heal();
  const socket = await world.complete(connecting);
  assert.equal(socket.peer.address, "server:7000");
});

Deno.test("who listens on its own machine only is refused to others, and reached by itself", async () => {
  const { world, client, server } = await twoMachines();
  world.network.partition([["client"], ["server"]]);
  world.network.heal();
  const options = { hostname: "127.0.0.1", port: 7_001, bounds: BOUNDS };
  const { url } = await world.complete(server.sockets.listen(options, () => {}));
  await world.complete(server.sockets.connect({ url, bounds: BOUNDS, signal: NEVER }));
  const far = client.sockets.connect({ url: "ws://server:7001", bounds: BOUNDS, signal: NEVER });
  await assert.rejects(world.complete(far), failsWith("refused", /nobody/));
});

Deno.test("certificates are data: good ones are shown, bad ones refused on both sides", async () => {
  const { world, client, server } = await twoMachines();
  const { certificates } = world.network;
  const failures: string[] = [];
  const caCerts = ["our authority"];
  const own = certificates.issue({ names: ["quorus://client"], authority: "our authority" });
  const listen = (port: number, authority: string, validToMs = Infinity) => {
    const pair = certificates.issue({ names: ["quorus://server"], authority, validToMs });
    return world.complete(server.sockets.listen({
      hostname: "server",
      port,
      bounds: BOUNDS,
      tls: { ...pair, caCerts },
      failed: (address, reason) => failures.push(`${address}: ${reason}`),
    }, (socket) => peers.push(socket.peer.certificate?.names[0] ?? "none")));
  };
  const peers: string[] = [];
  const connect = (url: string) =>
    world.complete(
      client.sockets.connect({ url, tls: { ...own, caCerts }, bounds: BOUNDS, signal: NEVER }),
    );
  const good = await listen(8_001, "our authority");
  const { peer } = await connect(good.url);
  assert.deepEqual(peer.certificate?.names, ["quorus://server"]);
  assert.deepEqual([peer.encrypted, peer.certificate?.problem, peers], [true, null, [
    "quorus://client",
  ]]);
  const other = await listen(8_002, "another authority");
  await assert.rejects(connect(other.url), failsWith("certificate", /unknownAuthority/));
  const old = await listen(8_003, "our authority", client.clock.now() + MINUTE_MS);
  await connect(old.url);
  client.machine.clocks.jump(2 * MINUTE_MS);
  await assert.rejects(connect(old.url), failsWith("certificate", /expired/));
  await assert.rejects(connect("ws://server:8001"), failsWith("tls", /TLS/));
  await assert.rejects(connect("wss://server:7000"), failsWith("tls", /without TLS/));
  assert.equal(failures.length, 3);
});

Deno.test("machines of one world reach each other by name", async () => {
  const { world, server } = await twoMachines();
  const third = simulatedEnv({ seed: 1, world, name: "third" });
  await world.complete(
    third.sockets.connect({ url: "ws://server:7000", bounds: BOUNDS, signal: NEVER }),
  );
  assert.ok(server.alive);
  assert.deepEqual(world.network.machines, ["client", "server", "third"]);
});
