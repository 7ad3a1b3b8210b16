/**
 * Tests of a service in the simulated world: `deno test -A examples/11_simulated_world`.
 *
 * Many machines on one thread, virtual time, one seed: ten minutes of partition take milliseconds, and
 * what fails once fails again with the same seed. Take `packed.has` out of orders.ts, and see.
 */

import assert from "node:assert/strict";
import { startNode } from "@quorus/quorus";
import { explore, scenario, simulatedEnv, World } from "@quorus/quorus/testing";
import type { SimulatedEnv } from "@quorus/quorus/testing";
import { shop, warehouse } from "./orders.ts";

const TOKEN = "only for this test";
const URL = "ws://warehouse:4100"; // machines find each other by name

function startWarehouse(env: SimulatedEnv, pack: (order: number) => void) {
  const listen = [{ hostname: "0.0.0.0", port: 4100 }];
  const node = startNode({
    id: "warehouse",
    env,
    links: { listen, token: TOKEN, allowPlain: true },
  });
  node.spawn(warehouse, { name: "warehouse", args: { pack } });
  return node;
}

function startShop(env: SimulatedEnv) {
  const peers = [{ node: "warehouse", url: URL }];
  const node = startNode({ id: "shop", env, links: { peers, token: TOKEN, allowPlain: true } });
  const args = { warehouse: "quorus://warehouse/warehouse" };
  return { node, ref: node.spawn(shop, { name: "shop", args }) };
}

Deno.test("orders of a partition of ten minutes are packed, once each, when it is over", async () => {
  const world = new World(1);
  const packed: number[] = [];
  const far = startWarehouse(simulatedEnv({ seed: 1, world, name: "warehouse" }), (order) => {
    packed.push(order);
  });
  const { node, ref } = startShop(simulatedEnv({ seed: 1, world, name: "shop" }));

  ref.tell("buy", { order: 1 });
  await world.pass(5_000);
  assert.deepEqual(packed, [1]);

  world.network.partition([["shop"], ["warehouse"]]);
  for (const order of [2, 3, 4]) ref.tell("buy", { order });
  await world.pass(10 * 60_000);
  assert.deepEqual(packed, [1]);
  assert.deepEqual(await world.complete(ref.ask("open", {})), [2, 3, 4]);

  world.network.heal();
  await world.pass(30_000);
  assert.deepEqual(packed, [1, 2, 3, 4]);
  await world.complete(Promise.all([node.stop(), far.stop()]));
});

const sales = scenario({
  name: "example/sales",
  describe: "every order is packed, and none twice, whatever the network does",
  durationMs: 60_000,
  nodes: ["shop", "warehouse"],
  faults: { kinds: ["cut", "clog", "reset", "stop"] },
  run: async (sim) => {
    const packed: number[] = [];
    sim.invariant("no order is packed twice", () => new Set(packed).size === packed.length);
    sim.cluster.start("warehouse", (env) => startWarehouse(env, (order) => packed.push(order)));
    sim.cluster.start("shop", (env) => {
      const { ref } = startShop(env);
      for (let order = 0; order < 20; order++) {
        env.timers.after(order * 3_000, () => ref.tell("buy", { order }));
      }
    });
    await sim.faults();
    await sim.converge("all orders are packed", 60_000, () => packed.length === 20);
  },
});

Deno.test("twenty seeds of faults lose no order", async () => {
  const report = await explore(sales, { seeds: 20, monotonicMs: () => performance.now() });
  assert.deepEqual(report.failures.map(({ seed, error }) => `${seed}: ${error.message}`), []);
});
