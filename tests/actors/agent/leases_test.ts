import assert from "node:assert/strict";
import { CHUNK } from "../job/rig.ts";
import { ClusterRig } from "./cluster_rig.ts";

/** Two agents; the first one is at work on a slow job. */
async function atWork(chunks = 40): Promise<{ rig: ClusterRig; jobId: string }> {
  const rig = new ClusterRig(1, 5);
  await rig.open();
  for (const name of ["a1", "a2"]) {
    await rig.startAgent(name);
    await rig.until("registered", () => rig.group.state.agents.get(name)?.status === "active");
  }
  const jobId = await rig.give("a1", chunks * CHUNK);
  await rig.until("begun", () => rig.job(jobId).state === "running");
  return { rig, jobId };
}

function held(rig: ClusterRig, agent: string) {
  return rig.complete(rig.tell(agent).ask("leases", {}));
}

Deno.test("a lease that was revoked ends at once, and its file may be adopted afterwards", async () => {
  const { rig, jobId } = await atWork();
  const lease = rig.job(jobId).lease!;
  assert.deepEqual(await held(rig, "a1"), [{ jobId, leaseIndex: lease.index }]);
  await rig.lose("a1");
  assert.equal(rig.job(jobId).stale.length, 1);
  rig.tell("a1").tell("revoke", { leases: [{ jobId, leaseIndex: lease.index }], why: "over" });
  await rig.until("handed back", () => rig.job(jobId).adoptable.length === 1, 2_000);
  assert.deepEqual(rig.job(jobId).stale, []);
  assert.equal(rig.publishes(jobId), 0);
  await rig.until("ended", () => rig.agents.get("a1")!.role.status().activeJobs === 0);
  assert.deepEqual(await held(rig, "a1"), []);
  // Back to the agent that wrote it: it goes on in the same file.
  const { registration } = rig.group.state.agents.get("a1")!;
  await rig.propose({ type: "agentEvent", agent: "a1", event: { type: "register", registration } });
  const { temp } = rig.job(jobId).adoptable[0]!;
  await rig.assign(jobId, "a1");
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  assert.equal(rig.job(jobId).grant?.temp, temp);
  assert.ok(rig.job(jobId).receipt!.keptBytes > 0);
  await rig.close();
});

Deno.test("an attempt whose report is refused as stale ends by itself and hands back", async () => {
  const { rig, jobId } = await atWork(200);
  await rig.lose("a1");
  await rig.until("handed back", () => rig.job(jobId).adoptable.length === 1, 20_000);
  await rig.until("ended", () => rig.agents.get("a1")!.role.status().activeJobs === 0);
  assert.equal(rig.publishes(jobId), 0);
  await rig.close();
});

Deno.test("a lease that it works on or has finished is not begun again", async () => {
  const { rig, jobId } = await atWork();
  const assigned = rig.job(jobId);
  for (let n = 0; n < 3; n++) rig.tell("a1", "c2").tell("assign", { jobs: [assigned] });
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.tell("a1").tell("assign", { jobs: [assigned] });
  await rig.world.pass(5_000);
  rig.assertDone(jobId);
  assert.equal(rig.agents.get("a1")!.role.status().activeJobs, 0);
  assert.equal(rig.sink.history.filter(({ operation }) => operation === "create").length, 1);
  await rig.close();
});

Deno.test("a later lease of a job begins when the attempt of the earlier one has ended", async () => {
  const { rig, jobId } = await atWork();
  const first = rig.job(jobId).lease!;
  await rig.lose("a1");
  const { registration } = rig.group.state.agents.get("a1")!;
  await rig.propose({ type: "agentEvent", agent: "a1", event: { type: "register", registration } });
  await rig.assign(jobId, "a1");
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  assert.ok(rig.job(jobId).grant!.leaseIndex > first.index);
  await rig.close();
});

Deno.test("a stopped agent that wakes up after its lease was lost publishes nothing", async () => {
  for (let stopMs = 20; stopMs <= 900; stopMs += 80) {
    const { rig, jobId } = await atWork(10);
    await rig.world.pass(stopMs);
    if (rig.job(jobId).endedMs !== null) {
      await rig.close();
      continue;
    }
    const old = rig.agents.get("a1")!.env;
    old.stop();
    await rig.world.pass(100);
    await rig.lose("a1");
    if (rig.job(jobId).state === "queued") {
      await rig.assign(jobId, "a2");
      await rig.world.pass(200);
      old.resume();
    } else old.resume();
    await rig.until("done", () => rig.job(jobId).endedMs !== null, 120_000);
    await rig.world.pass(30_000);
    rig.assertDone(jobId);
    await rig.close();
  }
});

for (const lost of [false, true]) {
  Deno.test(`an agent that was started again goes on with what its process had kept${lost ? ", though it was given up" : ""}`, async () => {
    const { rig, jobId } = await atWork(200);
    await rig.until("kept", () => (rig.job(jobId).progressed?.chunks ?? 0) >= 6);
    rig.agents.get("a1")!.env.crash("process");
    await rig.world.pass(10_000);
    if (lost) await rig.lose("a1");
    const before = rig.registrations.length;
    await rig.startAgent("a1");
    await rig.until("registered", () => rig.registrations.length > before);
    assert.deepEqual(
      [rig.job(jobId).adoptable.length, rig.job(jobId).stale.length],
      [1, 0],
      "before anybody could give it the job again",
    );
    const { temp } = rig.job(jobId).adoptable[0]!;
    await rig.assign(jobId, "a1");
    await rig.until("done", () => rig.job(jobId).endedMs !== null, 120_000);
    rig.assertDone(jobId);
    assert.ok(rig.job(jobId).receipt!.keptBytes >= 6 * CHUNK);
    assert.equal(rig.job(jobId).grant?.temp, temp, "the very file that it had begun");
    await rig.close();
  });
}

Deno.test("orders of a linked node that is no controller are not followed", async () => {
  const rig = new ClusterRig(1, 5);
  await rig.open();
  await rig.startAgent("a1", { controllers: ["c2"] });
  await rig.until("registered", () => rig.group.state.agents.get("a1")?.status === "active");
  rig.tellsLeases = false;
  const jobId = await rig.give("a1", CHUNK);
  const assigned = rig.job(jobId);
  rig.tell("a1", "c1").tell("assign", { jobs: [assigned] });
  await rig.world.pass(2_000);
  assert.equal(rig.job(jobId).state, "assigned", "c1 is none of its controllers");
  const action = { type: "cleanup", target: "/agent", retentionDays: 0 } as const;
  const asked = rig.tell("a1", "c1").ask("perform", { action, failedJobs: [] });
  await assert.rejects(rig.complete(asked), /c1 is no controller/);
  rig.tell("a1", "c2").tell("assign", { jobs: [assigned] });
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  await rig.close();
});
