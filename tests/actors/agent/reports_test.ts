import assert from "node:assert/strict";
import { CHUNK } from "../job/rig.ts";
import { ClusterRig } from "./cluster_rig.ts";

async function withAgent(seed = 1, callMs = 1): Promise<ClusterRig> {
  const rig = new ClusterRig(seed, callMs);
  await rig.open();
  await rig.startAgent("a1");
  await rig.until("registered", () => rig.group.state.agents.get("a1")?.status === "active");
  return rig;
}

Deno.test("an agent that was given a job carries it out and reports it", async () => {
  const rig = await withAgent(1, 5);
  const jobId = await rig.give("a1", 40 * CHUNK);
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  assert.ok(rig.progressed.has(jobId), "its progress was told");
  await rig.close();
});

Deno.test("reports whose answers are lost take effect once", async () => {
  for (let seed = 1; seed <= 5; seed++) {
    const rig = await withAgent(seed);
    rig.manners["c1"]!.losesAnswers = true;
    const jobs: string[] = [];
    for (let n = 0; n < 5; n++) jobs.push(await rig.give("a1", 3 * CHUNK));
    await rig.until("done", () => jobs.every((id) => rig.job(id).endedMs !== null), 120_000);
    for (const jobId of jobs) rig.assertDone(jobId);
    await rig.until("answered", () => rig.agents.get("a1")!.role.status().unreported === 0, 60_000);
    const types = rig.reports.flat();
    assert.ok(types.length > 2 * jobs.length, "some came again");
    assert.ok(!types.includes("handBack"), "none was taken for stale");
    await rig.close();
  }
});

Deno.test("without any controller transfers go on, and publishing waits for its grant", async () => {
  const rig = await withAgent();
  const jobId = await rig.give("a1", 20 * CHUNK);
  await rig.until("begun", () => rig.sink.uploads.size === 1);
  for (const name of ["c1", "c2"]) rig.crashController(name);
  await rig.world.pass(30_000);
  assert.equal(rig.publishes(jobId), 0);
  assert.equal([...rig.sink.uploads.values()][0]?.size, 20 * CHUNK, "all bytes were moved");
  for (const name of ["c1", "c2"]) rig.startController(name);
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  await rig.close();
});

Deno.test("many reports go in one message", async () => {
  const rig = await withAgent();
  const jobs: string[] = [];
  for (let n = 0; n < 8; n++) jobs.push(await rig.give("a1", CHUNK));
  await rig.until("done", () => jobs.every((id) => rig.job(id).endedMs !== null));
  for (const jobId of jobs) rig.assertDone(jobId);
  assert.ok(rig.reports.some((events) => events.length > 1));
  await rig.close();
});

Deno.test("a controller that fails every report is left for the other one", async () => {
  const rig = await withAgent();
  rig.manners["c1"]!.fails = true;
  const jobId = await rig.give("a1", CHUNK);
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  await rig.close();
});

Deno.test("checkpoints are replicated, and a lost agent's job goes on with them elsewhere", async () => {
  const rig = await withAgent(1, 5);
  await rig.startAgent("a2");
  await rig.until("registered", () => rig.group.state.agents.get("a2")?.status === "active");
  const jobId = await rig.give("a1", 40 * CHUNK);
  await rig.until("kept", () => (rig.job(jobId).progressed?.chunks ?? 0) >= 4);
  const { chunks } = rig.job(jobId).progressed!;
  rig.agents.get("a1")!.env.stop();
  await rig.lose("a1");
  await rig.assign(jobId, "a2");
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  assert.ok(rig.job(jobId).receipt!.keptBytes >= chunks * CHUNK);
  rig.agents.get("a1")!.env.resume();
  await rig.world.pass(30_000);
  rig.assertDone(jobId);
  const left = [...rig.sink.uploads.keys()];
  assert.deepEqual(left, [], "nothing is left of either attempt");
  await rig.close();
});
