/** How long a Worker may take to start, on simulated machines. */

import assert from "node:assert/strict";
import { REMOTE_LIMITS } from "../../../runtime/remote/limits.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { startWorkerNode } from "../../../runtime/remote/worker.ts";
import { RemoteError } from "../../../runtime/remote/handshake_refusals.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import type { World } from "../../../runtime/sim/world.ts";

const MODULE = "file:///worker.ts";

/** A node on a machine where `main` is what a Worker runs. */
function starter(main: (worker: SimulatedEnv) => void): { node: LinkedNode; world: World } {
  const env = simulatedEnv({ seed: 1, name: "main" });
  env.world.workerModule(MODULE, main);
  return { node: startLinkedNode(env, { id: "main" }), world: env.world };
}

function isRefused(code: string, words: RegExp): (error: unknown) => boolean {
  return (error) =>
    error instanceof RemoteError && error.code === code && words.test(error.message);
}

Deno.test("a Worker whose module takes half a minute to load is linked", async () => {
  const { node, world } = starter((worker) => {
    worker.timers.after(30_000, () => void startWorkerNode(worker, () => {}));
  });
  const linked = await world.complete(node.worker(MODULE, { name: "slow" }));
  assert.equal(linked.id, "slow");
  await world.complete(node.stop());
});

Deno.test("a Worker that never links is given up after workerStartMs", async () => {
  const { node, world } = starter(() => {});
  const started = world.nowMs;
  await assert.rejects(
    world.complete(node.worker(MODULE, { name: "silent" })),
    isRefused("HandshakeTimeout", /start Worker "silent": it did not answer .* startWorkerNode/),
  );
  const tookMs = world.nowMs - started;
  assert.ok(tookMs >= REMOTE_LIMITS.workerStartMs.value && tookMs < 61_000, `took ${tookMs} ms`);
  await world.complete(node.stop());
});

Deno.test("a Worker that ends while it loads is told at once", async () => {
  const { node, world } = starter((worker) => {
    worker.timers.after(100, () => worker.workers.parent!.destroy());
  });
  const started = world.nowMs;
  await assert.rejects(
    world.complete(node.worker(MODULE, { name: "broken" })),
    isRefused("LinkLost", /start Worker "broken": it ended before it was linked/),
  );
  assert.ok(world.nowMs - started < 1_000);
  await world.complete(node.stop());
});

Deno.test("a node that stops does not wait for a Worker that loads", async () => {
  const { node, world } = starter(() => {});
  const rejected = assert.rejects(
    node.worker(MODULE, { name: "silent" }),
    isRefused("HubClosed", /closed/),
  );
  await world.complete(node.stop());
  await rejected;
  assert.ok(world.nowMs < 10_000);
});
