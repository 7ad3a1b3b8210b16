import assert from "node:assert/strict";
import { heartbeat, registration } from "../../../actors/agent/registration.ts";
import { CHUNK } from "../job/rig.ts";
import { ClusterRig } from "./cluster_rig.ts";

async function joined(options: Parameters<ClusterRig["startAgent"]>[1] = {}) {
  const rig = new ClusterRig(1, 5);
  await rig.open();
  const role = await rig.startAgent("a1", options);
  await rig.until("registered", () => role.status().status === "idle");
  return { rig, role };
}

Deno.test("an agent registers in under a second, with what it was told and what it measured", async () => {
  const { rig, role } = await joined({
    hostname: "host.example",
    location: { datacenter: "dc-1", tags: ["fast"] },
    maxBandwidthMbps: 100,
  });
  assert.ok(rig.world.nowMs < 1_000, `${rig.world.nowMs} ms`);
  const known = rig.group.state.agents.get("a1")!.registration;
  assert.deepEqual(registration.parse(known), known);
  assert.equal(known.hostname, "host.example");
  assert.deepEqual(known.location, {
    datacenter: "dc-1",
    zone: null,
    region: null,
    tags: ["fast"],
  });
  assert.deepEqual(known.capabilities.protocols, ["memory", "sink", "file"]);
  assert.equal(known.capabilities.maxConcurrentTransfers, 8);
  assert.equal(known.resources.cpu.cores, 4);
  assert.ok(known.resources.storage!.totalBytes > 0);
  assert.equal(role.status().leader, "c1");
  await rig.close();
});

Deno.test("heartbeats tell what the agent does, one number higher each, and go to the leader", async () => {
  const { rig } = await joined({ maxBandwidthMbps: 1 });
  const jobId = await rig.give("a1", 100 * CHUNK);
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  await rig.world.pass(2_000);
  const beats = rig.heartbeats;
  for (const [at, { to, ...beat }] of beats.entries()) {
    assert.deepEqual(heartbeat.parse(beat), beat);
    assert.equal(to, "quorus://c1/fleet");
    assert.equal(beat.sequenceNumber, at);
    assert.equal(beat.availableCapacity + beat.currentJobs, 8);
  }
  assert.ok(beats.some(({ status, currentJobs }) => status === "working" && currentJobs === 1));
  const last = beats.at(-1)!;
  assert.equal(last.status, "idle");
  assert.deepEqual(last.metrics.transfers, { active: 0, completed: 1, failed: 0 });
  assert.equal(last.metrics.network.bytesTransferred, 100 * CHUNK);
  assert.ok(beats.some(({ metrics }) => (metrics.network.utilizationPercent ?? 0) > 0));
  assert.ok(last.lastJobCompletionMs! > 0);
  assert.deepEqual(last.health, {
    diskSpace: "healthy",
    networkConnectivity: "healthy",
    systemLoad: "normal",
  });
  await rig.close();
});

Deno.test("heartbeats follow the leader, and go to others when it does not answer", async () => {
  const { rig } = await joined();
  rig.leadership = { leader: "c2", term: 2 };
  const told = () => rig.heartbeats.at(-1)?.to;
  await rig.until("followed", () => told() === "quorus://c2/fleet", 5_000);
  rig.crashController("c2");
  rig.leadership = { leader: "c1", term: 3 };
  await rig.until("fell over", () => told() === "quorus://c1/fleet", 20_000);
  await rig.until(
    "degraded",
    () => rig.heartbeats.at(-1)!.health.networkConnectivity === "degraded",
    20_000,
  );
  await rig.close();
});

Deno.test("controllers that start later are found, and which one does not matter", async () => {
  const rig = new ClusterRig();
  await rig.open();
  for (const name of ["c1", "c2"]) rig.crashController(name);
  const role = await rig.startAgent("a1");
  await rig.world.pass(60_000);
  assert.equal(role.status().status, "registering");
  rig.startController("c2");
  rig.leadership = { leader: null, term: 4 };
  await rig.until("registered", () => role.status().status === "idle", 20_000);
  await rig.close();
});

Deno.test("an agent that the cluster does not know registers again, and its jobs go on", async () => {
  const { rig, role } = await joined();
  const jobId = await rig.give("a1", 100 * CHUNK);
  await rig.world.pass(1_000);
  const before = rig.registrations.length;
  for (const manners of Object.values(rig.manners)) manners.knows = false;
  await rig.until("again", () => rig.registrations.length > before, 5_000);
  for (const manners of Object.values(rig.manners)) manners.knows = true;
  await rig.until("done", () => rig.job(jobId).endedMs !== null);
  rig.assertDone(jobId);
  await rig.until("idle", () => role.status().status === "idle");
  await rig.close();
});

Deno.test("after an outage of all controllers it registers again", async () => {
  const { rig, role } = await joined();
  const before = rig.registrations.length;
  for (const name of ["c1", "c2"]) rig.crashController(name);
  await rig.world.pass(20_000);
  for (const name of ["c1", "c2"]) rig.startController(name);
  await rig.until("again", () => rig.registrations.length > before, 30_000);
  await rig.until("idle", () => role.status().status === "idle");
  await rig.close();
});

Deno.test("an agent whose disk is full says so, and is well again when there is room", async () => {
  const { rig, role } = await joined();
  const { faults } = rig.agents.get("a1")!.env.machine;
  faults.capacityBytes = 1_000_000;
  await rig.until("unhealthy", () => role.status().status === "unhealthy", 5_000);
  await rig.until("told", () => rig.heartbeats.at(-1)!.status === "unhealthy", 5_000);
  assert.equal(rig.heartbeats.at(-1)!.health.diskSpace, "full");
  faults.capacityBytes = Infinity;
  await rig.until("well", () => role.status().status === "idle", 5_000);
  await rig.close();
});

Deno.test("a second agent in the same folder is refused", async () => {
  const { rig } = await joined();
  await assert.rejects(rig.startAgent("a1"), /another agent works in \/agent/);
  await rig.close();
});
