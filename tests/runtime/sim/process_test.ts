import assert from "node:assert/strict";
import type { Socket } from "../../../runtime/env/sockets.ts";
import { SocketError } from "../../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { SocketRecorder } from "../env/socket_recorder.ts";
import { frame, numbers, twoMachines } from "./two_machines.ts";

Deno.test("a stopped process takes no turns while its kernel fills its buffers", async () => {
  const { world, server, fromClient, atServer } = await twoMachines();
  let ticks = 0;
  server.stop();
  server.timers.after(10, () => ticks += 1);
  const writing = server.disk.makeDirectory("/made");
  for (let number = 0; number < 40; number += 1) fromClient.send(new Uint8Array(2 ** 15));
  await world.pass(10_000);
  assert.deepEqual([ticks, atServer.frames.length], [0, 0]);
  assert.equal(fromClient.bufferedBytes, 32 * 2 ** 15, "the window of 256 KiB is full");
  assert.ok(server.machine.tree.root.names.has("made"), "what it had asked for happened");
  server.resume();
  await world.complete(Promise.all([atServer.received(40), writing]));
  assert.equal(ticks, 1);
});

Deno.test("events of a slow machine queue behind each other", async () => {
  const { world, server, fromClient, atServer } = await twoMachines();
  server.machine.turnMs = 50;
  const before = world.nowMs;
  for (let number = 0; number < 10; number += 1) fromClient.send(frame(number));
  await world.complete(atServer.received(10));
  assert.ok(world.nowMs - before >= 450, `${world.nowMs - before} ms`);
  assert.deepEqual(numbers(atServer), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

Deno.test("a wall clock may be wrong, drift and jump; timers do not follow it", async () => {
  const { world, client, server } = await twoMachines();
  const skew = () => client.clock.now() - server.clock.now();
  client.machine.clocks.jump(-5_000);
  assert.equal(skew(), -5_000);
  client.machine.clocks.drift({ wallPpm: 1_000 });
  await world.pass(1_000_000);
  assert.equal(skew(), -4_000);
  assert.equal(client.clock.monotonic(), server.clock.monotonic());
  client.machine.clocks.jump(3_600_000);
  let firedAt = 0;
  const before = world.nowMs;
  client.timers.after(100, () => firedAt = world.nowMs);
  await world.settle();
  assert.equal(firedAt - before, 100);
});

Deno.test("timers run by a monotonic clock that drifts within its bounds, and are never early", async () => {
  for (const [first, then] of [[500, 500], [-500, -500], [500, -500], [-500, 500]]) {
    const { world, client } = await twoMachines();
    client.machine.clocks.drift({ monotonicPpm: first! });
    const before = client.clock.monotonic();
    const worldBefore = world.nowMs;
    let took = -1;
    client.timers.after(1_000_000, () => took = client.clock.monotonic() - before);
    await world.pass(500_000);
    client.machine.clocks.drift({ monotonicPpm: then! });
    await world.settle();
    assert.ok(took >= 1_000_000 - 1e-3 && took < 1_001_000, `${took}`);
    if (first === then) {
      assert.equal(Math.sign(1_000_000 - (world.nowMs - worldBefore)), Math.sign(first!));
    }
  }
  const { client } = await twoMachines();
  assert.throws(() => client.machine.clocks.drift({ monotonicPpm: 501 }), /in bounds/);
});

interface Blamed {
  readonly env: SimulatedEnv;
  readonly other: SimulatedEnv;
  readonly world: World;
  readonly reasons: string[];
}

function blaming(): Blamed {
  const reasons: string[] = [];
  const onUnhandled = (process: string, reason: unknown) => reasons.push(`${process}: ${reason}`);
  const world = new World(1, { onUnhandled });
  const env = simulatedEnv({ seed: 1, world, name: "bad" });
  const other = simulatedEnv({ seed: 1, world, name: "good" });
  return { env, other, world, reasons };
}

Deno.test("a rejection that nobody handles ends the process whose code it was", async () => {
  const { env, other, world, reasons } = blaming();
  let ticks = 0;
  env.timers.after(5, () => ticks += 1);
  other.timers.after(5, () => ticks += 1);
  env.timers.after(1, async () => {
    await env.disk.stat("/");
    await other.disk.stat("/"); // the context is that of the code, not of what it waited for
    throw new Error("forgotten");
  });
  await world.settle();
  assert.deepEqual(reasons, ["bad#1: Error: forgotten"]);
  assert.deepEqual([env.alive, other.alive, ticks], [false, true, 1]);
  assert.ok(world.traceLines().some((line) => line.includes("bad#1 did not handle: forgotten")));
});

Deno.test("an exception in a turn ends its process too", async () => {
  const { env, world, reasons } = blaming();
  env.timers.after(1, () => {
    throw new Error("thrown");
  });
  await world.settle();
  assert.deepEqual([env.alive, reasons], [false, ["bad#1: Error: thrown"]]);
});

Deno.test("what a test runs as a process is blamed on it", async () => {
  const { env, world, reasons } = blaming();
  void env.run(async () => {
    await null;
    throw new Error("started outside");
  });
  await world.settle();
  assert.deepEqual([env.alive, reasons], [false, ["bad#1: Error: started outside"]]);
});

Deno.test("a world that blames nobody lets an exception out", async () => {
  const env = simulatedEnv({ seed: 1 });
  env.timers.after(1, () => {
    throw new Error("out");
  });
  await assert.rejects(env.world.settle(), /out/);
});

/** A world with a Worker that sends back what it gets. */
function echoing(): { env: SimulatedEnv; lives: SimulatedEnv[]; ends: number[] } {
  const env = simulatedEnv({ seed: 1, name: "main" });
  const [lives, ends]: [SimulatedEnv[], number[]] = [[], []];
  env.world.workerModule("file:///echo.ts", (worker) => {
    lives.push(worker);
    const parent: Socket = worker.workers.parent!;
    parent.open({
      frame: (bytes) => parent.send(bytes),
      drained: () => {},
      closed: ({ code }) => ends.push(code),
    });
  });
  return { env, lives, ends };
}

Deno.test("a Worker is a life on the same machine, joined by a socket of our own", async () => {
  const { env, lives } = echoing();
  const { world } = env;
  const { socket, terminate } = env.workers.start("file:///echo.ts", { name: "echo" });
  assert.deepEqual([socket.peer.own, socket.peer.address], [true, "worker echo"]);
  const recorder = new SocketRecorder(socket);
  socket.send(frame(1));
  socket.send(frame(2));
  await world.complete(recorder.received(2));
  assert.deepEqual(numbers(recorder), [1, 2]);
  assert.ok(world.nowMs >= 20, "starting takes its time");
  assert.equal(lives[0]!.workers.parent!.peer.own, true);
  terminate();
  terminate();
  assert.equal((await world.complete(recorder.ended())).code, 1006);
  assert.equal(lives[0]!.alive, false);
});

Deno.test("a Worker ends with the process that started it, and stops with it", async () => {
  const { env, lives } = echoing();
  const { world } = env;
  const { socket } = env.workers.start("file:///echo.ts", { name: "echo" });
  const recorder = new SocketRecorder(socket);
  await world.pass(100);
  env.stop();
  socket.send(frame(1));
  await world.pass(100);
  assert.equal(recorder.frames.length, 0);
  env.resume();
  await world.complete(recorder.received(1));
  env.crash("process");
  assert.equal(lives[0]!.alive, false);
  assert.equal(env.restart().alive, true);
});

Deno.test("a Worker without a module is refused", () => {
  const { env } = echoing();
  assert.throws(
    () => env.workers.start("file:///none.ts", { name: "none" }),
    (error) => error instanceof SocketError && error.code === "refused",
  );
});
