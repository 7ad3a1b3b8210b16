import assert from "node:assert/strict";
import type { HostMachine } from "../../../runtime/env/machine.ts";
import { realMachine } from "../../../runtime/env/real/machine.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

function plausible(machine: HostMachine): void {
  const { hostname, cores, architecture } = machine.facts();
  assert.ok(hostname === null || hostname.length > 0);
  assert.ok(Number.isSafeInteger(cores) && cores > 0);
  assert.ok(architecture.length > 0);
  machine.load();
  const { cpuUsagePercent, loadAverage, memory, rssBytes } = machine.load();
  assert.ok(cpuUsagePercent === null || (cpuUsagePercent >= 0 && cpuUsagePercent <= 100));
  assert.ok(loadAverage === null || loadAverage.every((load) => load >= 0));
  assert.ok(memory === null || memory.availableBytes <= memory.totalBytes);
  assert.ok(rssBytes > 0);
}

Deno.test("the real machine tells what the system knows", async () => {
  const machine = realMachine();
  plausible(machine);
  const space = await machine.space("/");
  assert.ok(space !== null && space.totalBytes >= space.availableBytes);
  assert.equal(await machine.space("/there/is/nothing"), null);
});

Deno.test({
  name: "without permission to look at the system, what is not known is null",
  permissions: { read: false, sys: false },
  fn: async () => {
    const machine = realMachine();
    plausible(machine);
    assert.deepEqual(
      [machine.facts().hostname, machine.load().memory, machine.load().loadAverage],
      [null, null, null],
    );
    assert.equal(machine.load().cpuUsagePercent, null);
    assert.equal(await machine.space("/"), null);
  },
});

Deno.test("a simulated machine tells the same in every run, and how full its disk is", async () => {
  const env = simulatedEnv({ seed: 1, name: "m", capacityBytes: 10_000 });
  plausible(env.host);
  assert.equal(env.host.facts().hostname, "m");
  await env.world.complete((async () => {
    const file = await env.disk.open("/f", { write: true, create: true });
    await file.write(new Uint8Array(4_000), 0);
    await file.close();
  })());
  const space = await env.world.complete(env.host.space("/"));
  assert.deepEqual(space, { totalBytes: 10_000, availableBytes: 6_000 });
});
