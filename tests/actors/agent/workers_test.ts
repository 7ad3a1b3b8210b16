/** An agent whose attempts run on Workers: real threads, real files. */

import assert from "node:assert/strict";
import { AgentError } from "../../../actors/agent/errors.ts";
import { startAgent } from "../../../actors/agent/start.ts";
import { fileProtocol } from "../../../protocols/file/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { withWorkers, type WorkersRig } from "./workers_rig.ts";

const MIB = 1_048_576;
const LARGE = 24 * MIB;

const isDone = ({ state }: { readonly state: string }) => state === "succeeded";

async function allDone(rig: WorkersRig, jobs: readonly string[]): Promise<void> {
  await Promise.all(jobs.map((jobId) => rig.until(jobId, isDone)));
  for (const jobId of jobs) rig.assertDone(jobId);
}

Deno.test("transfers of every size go right, on the agent's thread and through Workers", () =>
  withWorkers(2, async (rig) => {
    const sizes = [0, 1, 100_000, MIB, MIB + 1, 5 * MIB, 9 * MIB + 7, 64, 3 * MIB, 1_000];
    const jobs = await Promise.all(sizes.map((bytes) => rig.submit(bytes)));
    await Promise.all(jobs.map((jobId) => rig.assign(jobId)));
    await allDone(rig, jobs);
  }));

Deno.test("with no controller to answer, transfers go on, shared alike; publishing waits", () =>
  withWorkers(2, async (rig) => {
    rig.hold();
    const jobs = await Promise.all([LARGE, LARGE, LARGE, LARGE].map((bytes) => rig.submit(bytes)));
    const moved = jobs.map((jobId) => rig.untilMoved(jobId, LARGE));
    await Promise.all(jobs.map((jobId) => rig.assign(jobId)));
    await Promise.all(moved);
    const { workers } = await rig.untilBeat(() => true);
    const one = { isUp: true, transfers: 2, restarts: 0 };
    assert.deepEqual(workers, [{ node: "a1.w1", ...one }, { node: "a1.w2", ...one }]);
    assert.equal(
      [...Deno.readDirSync(`${rig.folder}/out`)].some(({ name }) => /^to/.test(name)),
      false,
    );
    rig.go();
    await allDone(rig, jobs);
    const beat = await rig.untilBeat(({ metrics, workers }) =>
      metrics.transfers.completed === 4 && workers!.every(({ transfers }) => transfers === 0)
    );
    assert.equal(beat.metrics.network.bytesTransferred, 4 * LARGE);
  }));

Deno.test("a Worker that dies has its transfers tried again: right, and published once", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.deadly, "reject");
    const jobId = await rig.submit(LARGE);
    await rig.assign(jobId);
    const failed = await rig.until(jobId, ({ state }) => state === "retrying");
    assert.equal(failed.error?.code, "workerLost");
    assert.equal(failed.failures, 1);
    assert.deepEqual(failed.stale, []);
    assert.equal(failed.adoptable.length, 1);
    await rig.assign(jobId);
    await allDone(rig, [jobId]);
    await rig.untilBeat(({ workers }) =>
      workers!.every(({ isUp }) => isUp) && workers!.some(({ restarts }) => restarts === 1)
    );
  }));

Deno.test("what a lost Worker had kept is gone on with", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.pause, "");
    const jobId = await rig.submit(LARGE);
    const moved = rig.untilMoved(jobId, 8 * MIB);
    await rig.assign(jobId);
    await moved;
    await Deno.writeTextFile(rig.own.deadly, "reject");
    await Deno.remove(rig.own.pause);
    await rig.until(jobId, ({ state }) => state === "retrying");
    await rig.assign(jobId);
    await allDone(rig, [jobId]);
    const { keptBytes, fetchedBytes } = rig.job(jobId).receipt!;
    assert.ok(keptBytes >= 2 * MIB, `${keptBytes} bytes were kept`);
    assert.equal(keptBytes + fetchedBytes, LARGE);
  }));

Deno.test("a lost Worker whose thread works on is no proof that its files are free", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.deadly, "linger 700");
    const jobId = await rig.submit(LARGE);
    await rig.assign(jobId);
    await rig.until(jobId, ({ state }) => state === "retrying");
    // Whatever the thread did, it did before that was told.
    const { size } = await Deno.stat(rig.own.witness);
    assert.ok(size > 0);
    await rig.assign(jobId);
    await allDone(rig, [jobId]);
    assert.equal((await Deno.stat(rig.own.witness)).size, size);
  }));

Deno.test("a transfer that is let go in the middle keeps what it has, and goes on with it", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.pause, "");
    const jobId = await rig.submit(LARGE);
    const moved = rig.untilMoved(jobId, 8 * MIB);
    await rig.assign(jobId);
    await moved;
    rig.agent.tell("release", { jobIds: [jobId], why: "paused by a test" });
    await Deno.remove(rig.own.pause);
    const released = await rig.until(jobId, ({ lease }) => lease === null);
    assert.equal(released.why, "paused by a test");
    await rig.assign(jobId);
    await allDone(rig, [jobId]);
    assert.ok(rig.job(jobId).receipt!.keptBytes >= 8 * MIB);
  }));

Deno.test("transfers wait while no Worker is up, and go when one is", () =>
  withWorkers(2, async (rig) => {
    const deaths = await Promise.all([LARGE, LARGE].map((bytes) => rig.submit(bytes)));
    for (const jobId of deaths) {
      await Deno.writeTextFile(rig.own.deadly, "reject");
      await rig.assign(jobId);
      await rig.until(jobId, ({ state }) => state === "retrying");
    }
    await Promise.all(deaths.map((jobId) => rig.assign(jobId)));
    await allDone(rig, deaths);
  }));

Deno.test("an agent that stops in the middle of transfers leaves no Worker and no lease", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.pause, "");
    const jobs = await Promise.all([LARGE, LARGE].map((bytes) => rig.submit(bytes)));
    const moved = jobs.map((jobId) => rig.untilMoved(jobId, MIB));
    await Promise.all(jobs.map((jobId) => rig.assign(jobId)));
    await Promise.all(moved);
    await Deno.remove(rig.own.pause);
    await rig.role.stop();
    for (const jobId of jobs) assert.equal(rig.job(jobId).lease, null);
    const { disk } = realEnv();
    for (const name of ["w1", "w2"]) {
      const lock = await disk.tryLock(`${rig.folder}/agent/${name}.lock`);
      await lock!.release();
    }
    const standing = rig.node.links.peers().filter(({ state }) => state === "up");
    assert.deepEqual(standing.map(({ node }) => node), []);
  }));

Deno.test("an agent whose Workers cannot be started says so, and leaves nothing", async () => {
  const folder = await Deno.makeTempDir();
  const env = realEnv({ log: { write: () => {} } });
  const node = startLinkedNode(env, { id: "a1" });
  const nobody = () => Promise.reject(new Error("no secrets here"));
  const start = (module: string, limits: Readonly<Record<string, number>>) =>
    startAgent(node, {
      ...{ controllers: ["a1"], version: "1.0.0", folder, limits },
      protocols: protocolRegistry([fileProtocol()]),
      secrets: { secret: nobody, env: nobody, file: nobody },
      workers: { count: 2, module, own: null },
    });
  try {
    const failing = "data:text/javascript,throw new Error('bad')";
    const isWorker = (error: unknown) => error instanceof AgentError && error.code === "worker";
    await assert.rejects(start(failing, {}), isWorker);
    await assert.rejects(start(failing, { poolBytes: 8 * MIB }), /raise poolBytes/);
  } finally {
    await node.stop();
    env.close();
    await Deno.remove(folder, { recursive: true });
  }
});
