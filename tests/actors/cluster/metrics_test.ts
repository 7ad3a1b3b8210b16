/** What controllers and agents count of a life: transfers that end well, and one whose agent dies. */

import assert from "node:assert/strict";
import { prometheusText } from "../../../runtime/telemetry/prometheus.ts";
import { type Family, readExposition } from "../../runtime/telemetry/exposition.ts";
import { groupPlan } from "../plans.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

function planOf(name: string) {
  return groupPlan([{
    name: "one",
    source: { uri: `memory:///from-${name}` },
    destination: { uri: `memory:///to-${name}` },
  }]);
}

function read(role: { metrics(): Parameters<typeof prometheusText>[0] }): Map<string, Family> {
  return readExposition(prometheusText(role.metrics()));
}

/** The sum of the samples that have these labels; of histograms the count. */
function sumOf(all: Map<string, Family>, name: string, labels: Record<string, string> = {}) {
  const family = all.get(name);
  assert.ok(family !== undefined, `there is no ${name}`);
  const wanted = family.type === "histogram" ? `${name}_count` : name;
  return family.samples
    .filter((sample) => sample.name === wanted)
    .filter((sample) => Object.entries(labels).every(([key, of]) => sample.labels[key] === of))
    .reduce((sum, { value }) => sum + value, 0);
}

async function submit(cluster: SimulatedCluster, name: string): Promise<void> {
  const gateway = cluster.others.get("g1") ?? await cluster.join("g1", ["gateway"]);
  const leader = await cluster.leader();
  const request = { type: "submit", runId: name, plan: planOf(name) } as const;
  const body = { key: name, principal: ADMIN, request };
  const written = await cluster.done(cluster.desk(gateway, leader.id).ask("write", body));
  assert.equal(written.ok, true);
}

Deno.test("a controller counts jobs, leases, commits and passes, an agent its transfers", async () => {
  const cluster = await SimulatedCluster.start();
  const agent = await cluster.agent("a1");
  const leader = await cluster.leader();
  cluster.store.put("/from-good", new Uint8Array(5_000).fill(7));
  await submit(cluster, "good");
  await submit(cluster, "bad");
  const ended = (name: string) => leader.role.replica.state.runs.get(name)?.state !== "running";
  await cluster.until("both end", () => ended("good") && ended("bad"), 120_000);
  const decided = read(leader.role);
  const tenant = "acme";
  assert.equal(sumOf(decided, "quorus_jobs_submitted_total", { tenant }), 2);
  assert.equal(sumOf(decided, "quorus_jobs_ended_total", { tenant, state: "succeeded" }), 1);
  assert.equal(sumOf(decided, "quorus_jobs_ended_total", { tenant, state: "failed" }), 1);
  assert.equal(sumOf(decided, "quorus_jobs", { tenant, state: "succeeded" }), 1);
  assert.equal(sumOf(decided, "quorus_job_assignment_seconds", { tenant }), 2);
  assert.equal(sumOf(decided, "quorus_file_bytes_total", { tenant }), 5_000);
  assert.ok(sumOf(decided, "quorus_job_failures_total", { code: "notFound" }) >= 1);
  assert.equal(sumOf(decided, "quorus_runs_ended_total", { state: "succeeded" }), 1);
  assert.ok(sumOf(decided, "quorus_controller_commit_seconds", { outcome: "committed" }) > 4);
  assert.ok(sumOf(decided, "quorus_scheduler_pass_seconds") >= 2);
  assert.ok(sumOf(decided, "quorus_fleet_heartbeats_total") >= 1);
  assert.equal(sumOf(decided, "raft_is_leader"), 1);
  // It leads since the first election: it asked two, and needed one of them.
  assert.equal(sumOf(decided, "raft_vote_requests_sent_total"), 2);
  const votes = sumOf(decided, "raft_votes_granted_total");
  assert.ok(votes >= 1 && votes + sumOf(decided, "raft_votes_refused_total") <= 2);
  assert.equal(sumOf(decided, "raft_vote_success_ratio"), votes / 2);
  assert.equal(sumOf(decided, "quorus_agents", { status: "active" }), 1);
  const followed = read((await cluster.follower()).role);
  assert.equal(sumOf(followed, "quorus_jobs_ended_total"), 2, "every controller counts all");
  assert.equal(sumOf(followed, "quorus_scheduler_leads"), 0);

  const moved = read(agent.role);
  const ways = { source: "memory", destination: "memory" };
  assert.equal(
    sumOf(moved, "quorus_transfer_attempts_ended_total", { ...ways, outcome: "published" }),
    1,
  );
  assert.equal(sumOf(moved, "quorus_transfer_fetched_bytes_total", ways), 5_000);
  assert.equal(sumOf(moved, "quorus_agent_fetched_bytes_total"), 5_000);
  assert.equal(sumOf(moved, "quorus_transfer_duration_seconds", ways), 1);
  assert.equal(sumOf(moved, "quorus_transfer_chunk_seconds"), 1);
  assert.ok(sumOf(moved, "quorus_transfer_errors_total", { code: "notFound" }) >= 1);
  assert.equal(sumOf(moved, "quorus_agent_slots_in_use"), 0);
  assert.equal(sumOf(moved, "quorus_agent_status", { status: "idle" }), 1);
  await cluster.stop();
});

Deno.test("the loss of an agent is counted: its detection, its leases, their next assignment", async () => {
  const cluster = await SimulatedCluster.start({ store: { delayMs: () => [200, 200] } });
  for (const id of ["a1", "a2", "a3", "a4"]) await cluster.agent(id);
  const leader = await cluster.leader();
  const { replica } = leader.role;
  cluster.store.put("/from-far", new Uint8Array(60_000).fill(7));
  await submit(cluster, "far");
  const job = () => [...replica.state.jobs.values()][0];
  await cluster.until("it runs", () => job()?.state === "running");
  cluster.agents.get(job()!.lease!.agent)!.env.crash("power");
  await cluster.until("another has it", () => (job()?.attempts ?? 0) > 1, 60_000);
  const decided = read(leader.role);
  assert.equal(sumOf(decided, "quorus_fleet_detection_seconds"), 1);
  assert.equal(sumOf(decided, "quorus_job_lost_leases_total", { tenant: "acme" }), 1);
  assert.equal(sumOf(decided, "quorus_job_redistribution_seconds"), 1);
  assert.equal(sumOf(decided, "quorus_agents", { status: "unhealthy" }), 1);
  await cluster.stop();
});
