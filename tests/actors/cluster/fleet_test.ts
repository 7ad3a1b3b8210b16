import assert from "node:assert/strict";
import type { Heartbeat, Registration } from "../../../actors/agent/registration.ts";
import { judgeFleet, type Known } from "../../../actors/fleet/liveness.ts";
import { FLEET_LIMITS } from "../../../actors/fleet/limits.ts";
import { limitValues } from "../../../runtime/base/limits.ts";
import { groupPlan } from "../plans.ts";
import { SimulatedCluster } from "./cluster.ts";

const LIMITS = limitValues(FLEET_LIMITS);

function registrationOf(agentId: string): Registration {
  return {
    agentId,
    incarnation: "one",
    hostname: agentId,
    version: "1",
    capabilities: {
      protocols: ["memory"],
      maxConcurrentTransfers: 4,
      maxBandwidthMbps: null,
      supportedFeatures: [],
    },
    resources: {
      cpu: { cores: 2, architecture: "x86_64" },
      memory: { totalBytes: 1, availableBytes: 1 },
      storage: null,
      network: { interfaces: [], totalBandwidthMbps: null },
    },
    location: { datacenter: null, zone: null, region: null, tags: [] },
    security: { certificateFingerprint: null, supportedAuthMethods: ["token"] },
    volumes: [],
  };
}

function signOf(status: Heartbeat["status"]): Heartbeat {
  return {
    ...{ agentId: "a1", incarnation: "one", timestampMs: 0, sequenceNumber: 1, status },
    ...{ currentJobs: 0, availableCapacity: 4, lastJobCompletionMs: null },
    nextMaintenanceWindowMs: null,
    metrics: {
      cpu: { usagePercent: null, loadAverage: null },
      memory: { usagePercent: null, availableBytes: null, rssBytes: 1 },
      network: { utilizationPercent: null, bytesTransferred: 0 },
      transfers: { active: 0, completed: 0, failed: 0 },
    },
    health: { diskSpace: "unknown", networkConnectivity: "healthy", systemLoad: "normal" },
  };
}

const codeOf = (error: unknown) => `${(error as { message?: string }).message}`;

Deno.test("an agent registers with any controller, and with itself only", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.join("a1", ["agent"]);
  const follower = await cluster.follower();
  const door = cluster.fleet(agent, follower.id);
  const registered = await cluster.done(door.ask("register", registrationOf("a1")));
  assert.equal(registered.refused, null);
  assert.equal(registered.leader, (await cluster.leader()).id);
  await cluster.world.pass(500);
  for (const { role } of cluster.living) {
    assert.equal(role.replica.state.agents.get("a1")?.status, "active");
  }
  const forged = await cluster.done(door.ask("register", registrationOf("a2")).catch(codeOf));
  assert.match(String(forged), /node a1 spoke for agent a2/);
  await cluster.stop();
});

Deno.test("an agent does not say what is for operators to say, nor speak of leases that are not its own", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.join("a1", ["agent"]);
  const door = cluster.fleet(agent, cluster.ids[0]!);
  const lease = { epoch: 1, group: 0, index: 5, agent: "a2" };
  for (
    const event of [
      { type: "decide", published: true, why: "mine" },
      { type: "intend", intent: "cancel", why: "mine" },
      { type: "lose", why: "mine" },
      { type: "phase", lease, phase: "running" },
    ] as const
  ) {
    const report = { agentId: "a1", events: [{ jobId: "j", event }] };
    const answer = await cluster.done(door.ask("report", report).catch(codeOf));
    assert.match(String(answer), /not for it to say/, event.type);
  }
  await cluster.stop();
});

Deno.test("an agent tells of the progress of its own attempts only, and all controllers hear it", async () => {
  const cluster = await SimulatedCluster.start();
  const { role: { replica }, id: leader } = await cluster.leader();
  const plan = groupPlan([{
    name: "t",
    source: { uri: "memory:///in" },
    destination: { uri: "memory:///out" },
  }]);
  await cluster.done(replica.propose({ type: "createRun", runId: "r", tenant: plan.tenant, plan }));
  const agents = [];
  for (const id of ["a1", "a2"]) {
    const agent = await cluster.join(id, ["agent"]);
    await cluster.done(cluster.fleet(agent, leader).ask("register", registrationOf(id)));
    agents.push(agent);
  }
  const leased = () => [...replica.state.jobs.values()].find(({ lease }) => lease !== null);
  await cluster.until("the job is assigned", () => leased() !== undefined);
  const { id: jobId, lease } = leased()!;
  const progress = (doneBytes: number) => ({
    phase: "running" as const,
    ...{ doneBytes, totalBytes: 100, fetchedBytes: 1, keptBytes: 0, bytesPerSecond: 1, etaMs: 1 },
  });
  const holder = agents.find(({ id }) => id === lease!.agent)!;
  const other = agents.find(({ id }) => id !== lease!.agent)!;
  cluster.fleet(other, leader).tell("progress", { jobs: [{ jobId, progress: progress(99) }] });
  await cluster.world.pass(500);
  assert.equal(cluster.living.some(({ role }) => role.board.progress(jobId) !== null), false);
  cluster.fleet(holder, leader).tell("progress", { jobs: [{ jobId, progress: progress(7) }] });
  const seen = () =>
    cluster.living.map(({ role }) => role.board.progress(jobId)?.progress.doneBytes);
  await cluster.until("all have heard it", () => seen().every((done) => done === 7));
  await cluster.stop();
});

Deno.test("an agent that falls silent is given up in under 10 s, and taken back when it answers", async () => {
  const cluster = await SimulatedCluster.start();
  const agents = [];
  for (const id of ["a1", "a2", "a3", "a4"]) {
    const agent = await cluster.join(id, ["agent"]);
    await cluster.done(cluster.fleet(agent, "c1").ask("register", registrationOf(id)));
    agents.push(agent);
  }
  const { role } = await cluster.leader();
  const statusOf = (id: string) => role.replica.state.agents.get(id)?.status;
  await cluster.world.pass(10_000);
  assert.equal(statusOf("a1"), "active");
  const { world } = cluster;
  world.network.partition([["a1"], [...cluster.ids, "a2", "a3", "a4"]]);
  const sinceMs = world.nowMs;
  await cluster.until("it is given up", () => statusOf("a1") === "unhealthy");
  assert.ok(world.nowMs - sinceMs < 10_000, `${world.nowMs - sinceMs} ms`);
  assert.match(role.replica.state.agents.get("a1")!.why, /no link for \d+ ms/);
  world.network.heal();
  await cluster.linked(agents[0]!);
  const again = cluster.fleet(agents[0]!, "c1").ask("register", registrationOf("a1"));
  await cluster.done(again);
  await cluster.until("it is back", () => statusOf("a1") === "active");
  await cluster.stop();
});

Deno.test("an agent that has registered through another controller, and cannot be reached, is given up as soon", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.join("a1", ["agent"]);
  const leader = await cluster.leader();
  const follower = await cluster.follower();
  const { world } = cluster;
  world.network.partition([["a1"], [leader.id]]);
  await world.pass(8_000);
  await cluster.done(cluster.fleet(agent, follower.id).ask("register", registrationOf("a1")));
  const sinceMs = world.nowMs;
  const status = () => leader.role.replica.state.agents.get("a1")?.status;
  await cluster.until("it is given up", () => status() === "unhealthy");
  assert.ok(world.nowMs - sinceMs < 10_000, `${world.nowMs - sinceMs} ms`);
  await cluster.stop();
});

Deno.test("who leads again does not go by what it knew of links when it led last", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.join("a1", ["agent"]);
  const first = await cluster.leader();
  const { replica, board } = first.role;
  await cluster.done(cluster.fleet(agent, first.id).ask("register", registrationOf("a1")));
  cluster.world.network.partition([["a1"], [first.id]]);
  await cluster.until("its link is missed", () => board.downSinceMs("a1") !== null);
  await cluster.done(replica.raft.transfer(undefined, { withinMs: 5_000 }));
  const next = await cluster.leader();
  assert.notEqual(next.id, first.id);
  cluster.world.network.heal();
  await cluster.linked(agent);
  await cluster.done(next.role.replica.raft.transfer(first.id, { withinMs: 5_000 }));
  await cluster.until("it leads again", () => replica.isLeader);
  const plan = groupPlan([{
    name: "t",
    source: { uri: "memory:///in" },
    destination: { uri: "memory:///out" },
  }]);
  await cluster.done(replica.propose({ type: "createRun", runId: "r", tenant: plan.tenant, plan }));
  const isAssigned = () => [...replica.state.jobs.values()].some(({ lease }) => lease !== null);
  await cluster.until("the job is assigned", isAssigned, 5_000);
  await cluster.stop();
});

Deno.test("an agent that has said that it is sick gets jobs again when it says that it is well", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.join("a1", ["agent"]);
  const { role: { replica }, id } = await cluster.leader();
  const door = cluster.fleet(agent, id);
  await cluster.done(door.ask("register", registrationOf("a1")));
  await cluster.done(door.ask("heartbeat", signOf("unhealthy")));
  await cluster.world.pass(1_000);
  const plan = groupPlan([{
    name: "t",
    source: { uri: "memory:///in" },
    destination: { uri: "memory:///out" },
  }]);
  await cluster.done(replica.propose({ type: "createRun", runId: "r", tenant: plan.tenant, plan }));
  await cluster.world.pass(3_000);
  const isAssigned = () => [...replica.state.jobs.values()].some(({ lease }) => lease !== null);
  assert.equal(isAssigned(), false, "who is sick gets none");
  await cluster.done(door.ask("heartbeat", signOf("idle")));
  await cluster.until("the job is assigned", isAssigned, 5_000);
  await cluster.stop();
});

Deno.test("an agent that does not come back for days counts as one that has left", async () => {
  const limits = { fleet: { absentMs: 60_000 } };
  const cluster = await SimulatedCluster.start({ limits });
  const agent = await cluster.join("a1", ["agent"]);
  await cluster.done(cluster.fleet(agent, "c1").ask("register", registrationOf("a1")));
  const { role } = await cluster.leader();
  const status = () => role.replica.state.agents.get("a1")?.status;
  agent.env.crash("power");
  await cluster.until("it is given up", () => status() === "unhealthy");
  await cluster.world.pass(50_000);
  assert.equal(status(), "unhealthy");
  await cluster.until("it counts as gone", () => status() === "deregistered");
  await cluster.stop();
});

const known = (count: number, down: number, downSinceMs: number): Known[] =>
  Array.from({ length: count }, (_, index) => ({
    agent: `a${index}`,
    downSinceMs: index < down ? downSinceMs : null,
    heardMs: 100_000,
  }));

Deno.test("a third of the fleet may be given up at once, more only after a while, with the reason", () => {
  const judge = (count: number, down: number, afterMs: number) =>
    judgeFleet(known(count, down, 100_000), 100_000 + afterMs, 0, LIMITS);
  assert.equal(judge(9, 3, LIMITS.loseMs - 1).lost.length, 0);
  assert.equal(judge(9, 3, LIMITS.loseMs).lost.length, 3);
  assert.equal(judge(3, 1, LIMITS.loseMs).lost.length, 1);
  assert.equal(judge(1, 1, LIMITS.loseMs).lost.length, 1);
  const held = judge(9, 4, LIMITS.loseMs);
  assert.deepEqual([held.lost, held.suspects.length], [[], 4]);
  assert.match(held.heldBack!, /4 of 9 agents do not answer/);
  assert.equal(judge(9, 4, LIMITS.massLossMs).lost.length, 4);
});

Deno.test("a new leader gives every agent the full grace, and a silent one its heartbeats", () => {
  const [one] = known(4, 1, 100_000);
  const after = (ms: number, leadsSinceMs: number) =>
    judgeFleet([one!], 100_000 + ms, leadsSinceMs, LIMITS).lost.length;
  assert.equal(after(LIMITS.loseMs, 100_000), 0);
  assert.equal(after(LIMITS.leaderGraceMs, 100_000), 1);
  const quiet = { agent: "a", downSinceMs: null, heardMs: 50_000 };
  assert.equal(
    judgeFleet([quiet], 50_000 + LIMITS.heartbeatTimeoutMs - 1, 0, LIMITS).lost.length,
    0,
  );
  assert.match(
    judgeFleet([quiet], 50_000 + LIMITS.heartbeatTimeoutMs, 0, LIMITS).lost[0]!.why,
    /no heartbeat/,
  );
});
