/** Workers as nodes, on real threads. */

import assert from "node:assert/strict";
import { type LinkedNode, RemoteError, startNode, startWorkerNode } from "../../../mod.ts";
import { Sum } from "./worker_protocol.ts";

const MODULE = import.meta.resolve("./worker_module.ts");

async function withNode(run: (node: LinkedNode) => Promise<void>): Promise<void> {
  const node = startNode({ id: "starter", log: { write: () => {} } });
  try {
    await run(node);
  } finally {
    await node.stop();
  }
}

Deno.test("an actor in a Worker is told and asked like any other", () =>
  withNode(async (node) => {
    const worker = await node.worker(MODULE, { name: "w1" });
    assert.equal(worker.id, "w1");
    const sum = node.ref(Sum, "quorus://w1/sum");
    for (const amount of [1, 2, 3]) assert.equal(sum.tell("add", { amount }), "accepted");
    assert.equal(await sum.ask("total", {}), 6);
    assert.equal(await sum.ask("measure", { bytes: new Uint8Array(8_000_000) }), 8_000_000);
  }));

Deno.test("a Worker that is stopped drains, and its actors end as stopped", () =>
  withNode(async (node) => {
    const worker = await node.worker(MODULE, { name: "w1" });
    const sum = node.ref(Sum, "quorus://w1/sum");
    const ended = node.ended(sum);
    await sum.ask("total", {});
    await worker.stop();
    await worker.ended;
    assert.equal((await ended).reason, "stopped");
  }));

Deno.test("a Worker that dies of an unhandled rejection ends its watches as unreachable", () =>
  withNode(async (node) => {
    const worker = await node.worker(MODULE, { name: "w1" });
    const sum = node.ref(Sum, "quorus://w1/sum");
    const ended = node.ended(sum);
    await sum.ask("total", {});
    sum.tell("leave", {});
    await worker.ended;
    assert.equal((await ended).reason, "unreachable");
  }));

Deno.test("a node that stops ends its Workers", async () => {
  const node = startNode({ id: "starter", log: { write: () => {} } });
  const worker = await node.worker(MODULE, { name: "w1" });
  await node.stop();
  await worker.ended;
});

// Under coverage Deno keeps an idle Worker alive, so that it is given up by time.
const stays = Deno.env.has("DENO_COVERAGE_DIR") ? /it did not answer/ : /it ended/;

Deno.test("a module that starts no node is named, with what it must do", () =>
  withNode(async (node) => {
    const silent = "data:text/javascript,/* does nothing */";
    await assert.rejects(
      node.worker(silent, { name: "w1" }),
      (error: Error) =>
        stays.test(error.message) &&
        /start Worker "w1": .* before .* data:\S+ .* awaits startWorkerNode/.test(error.message),
    );
  }));

Deno.test("a module that fails while it loads is named at once", () =>
  withNode(async (node) => {
    const failing = "data:text/javascript,throw new Error('bad')";
    await assert.rejects(
      node.worker(failing, { name: "w1" }),
      (error) => error instanceof RemoteError && error.code === "LinkLost",
    );
  }));

Deno.test("startWorkerNode() refuses a module that is no Worker of a node", async () => {
  await assert.rejects(
    startWorkerNode(() => {}, { logLevel: "error" }),
    (error) => error instanceof RemoteError && error.code === "NotAWorker",
  );
});
