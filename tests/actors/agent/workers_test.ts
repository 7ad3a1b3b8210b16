/** An agent whose attempts run on Workers: real threads, real files. */

import assert from "node:assert/strict";
import { withWorkers } from "./workers_rig.ts";

const MIB = 1_048_576;

Deno.test("transfers go right through Workers, shared among them", () =>
  withWorkers(2, async (rig) => {
    const jobs = await Promise.all([0, 1, 100_000, 5 * MIB, 9 * MIB + 7, 64, 3 * MIB, 1_000].map(
      (bytes) => rig.submit(bytes),
    ));
    assert.deepEqual(rig.role.status().workers.map(({ node }) => node), ["a1.w1", "a1.w2"]);
    await Promise.all(jobs.map((jobId) => rig.assign(jobId)));
    await Promise.all(jobs.map((jobId) => rig.until(jobId, ({ state }) => state === "succeeded")));
    for (const jobId of jobs) rig.assertDone(jobId);
  }));

Deno.test("a Worker that dies has its transfers tried again: right, and published once", () =>
  withWorkers(2, async (rig) => {
    await Deno.writeTextFile(rig.own.deadly, "reject");
    const jobId = await rig.submit(24 * MIB);
    await rig.assign(jobId);
    const failed = await rig.until(jobId, ({ state }) => state === "retrying");
    assert.equal(failed.error?.code, "workerLost");
    assert.equal(failed.failures, 1);
    assert.deepEqual(failed.stale, []);
    assert.equal(failed.adoptable.length, 1);
    await rig.assign(jobId);
    await rig.until(jobId, ({ state }) => state === "succeeded");
    rig.assertDone(jobId);
  }));
