import assert from "node:assert/strict";
import { CHUNK } from "../job/rig.ts";
import { ClusterRig } from "./cluster_rig.ts";

async function joined() {
  const rig = new ClusterRig(1, 5);
  await rig.open();
  const role = await rig.startAgent("a1");
  await rig.until("registered", () => role.status().status === "idle");
  const known = () => rig.group.state.agents.get("a1")!.status;
  return { rig, role, known };
}

Deno.test("draining lets jobs end, takes no new ones, and deregisters", async () => {
  const { rig, role, known } = await joined();
  const jobId = await rig.give("a1", 100 * CHUNK);
  const drained = role.drain(60_000);
  await rig.until("draining", () => known() === "draining", 2_000);
  assert.equal(role.status().status, "draining");
  await rig.until("told", () => rig.heartbeats.at(-1)!.status === "draining", 5_000);
  await rig.complete(drained);
  rig.assertDone(jobId);
  assert.equal(known(), "deregistered");
  assert.equal(role.status().status, "deregistered");
  const beats = rig.heartbeats.length;
  await rig.world.pass(5_000);
  assert.equal(rig.heartbeats.length, beats, "who has left says nothing");
  await rig.close();
});

Deno.test("what does not end in time is handed back with what it has kept", async () => {
  const { rig, role, known } = await joined();
  const jobId = await rig.give("a1", 400 * CHUNK);
  await rig.until("kept", () => (rig.job(jobId).progressed?.chunks ?? 0) >= 4);
  await rig.complete(role.drain(500));
  assert.equal(known(), "deregistered");
  assert.equal(rig.job(jobId).state, "queued", rig.job(jobId).why);
  assert.deepEqual([rig.job(jobId).adoptable.length, rig.job(jobId).stale.length], [1, 0]);
  await rig.complete(role.stop());
  await rig.close();
});

Deno.test("an agent that stops hands its jobs back, and the next one in its folder goes on", async () => {
  const { rig, role } = await joined();
  const jobId = await rig.give("a1", 400 * CHUNK);
  await rig.until("kept", () => (rig.job(jobId).progressed?.chunks ?? 0) >= 4);
  await rig.complete(role.stop());
  assert.equal(rig.job(jobId).state, "queued");
  await rig.complete(rig.agents.get("a1")!.node.stop());
  rig.agents.get("a1")!.env.crash("process");
  const next = await rig.startAgent("a1");
  await rig.until("registered", () => next.status().status === "idle");
  await rig.assign(jobId, "a1");
  await rig.until("done", () => rig.job(jobId).endedMs !== null, 120_000);
  rig.assertDone(jobId);
  assert.ok(rig.job(jobId).receipt!.keptBytes >= 4 * CHUNK);
  await rig.close();
});

Deno.test("draining and stopping end without any controller, 10 s late at most", async () => {
  const { rig, role } = await joined();
  await rig.give("a1", 400 * CHUNK);
  await rig.world.pass(500);
  for (const name of ["c1", "c2"]) rig.crashController(name);
  const startedMs = rig.world.nowMs;
  await rig.complete(role.drain(1_000));
  await rig.complete(role.stop());
  assert.ok(rig.world.nowMs - startedMs < 1_000 + 11_000, `${rig.world.nowMs - startedMs} ms`);
  assert.equal(role.status().activeJobs, 0);
  await rig.close();
});
