import assert from "node:assert/strict";
import type { Fence } from "../../../protocols/contract.ts";
import type { SeededRandom } from "../../../runtime/sim/random.ts";
import { CHUNK } from "../job/rig.ts";
import { ClusterRig, CONTROLLERS } from "./cluster_rig.ts";

const AGENTS = ["a1", "a2", "a3"];

/** A leader as simple as can be: gives what waits to an agent that is active. */
async function lead(rig: ClusterRig, random: SeededRandom): Promise<void> {
  const { agents, jobs } = rig.group.state;
  for (const agent of agents.values()) {
    if (agent.status !== "unhealthy" || !rig.agents.get(agent.id)!.env.alive) continue;
    const { registration } = agent;
    const event = { type: "register", registration } as const;
    await rig.complete(rig.group.propose({ type: "agentEvent", agent: agent.id, event }));
  }
  const active = [...rig.group.state.agents.values()].filter(({ status }) => status === "active");
  for (const job of jobs.values()) {
    if (job.state !== "queued" && job.state !== "retrying") continue;
    const agent = active[random.integer(0, active.length - 1)]?.id;
    if (agent === undefined) continue;
    const assignments = [{ jobId: job.id, agent }];
    await rig.complete(rig.group.propose({ type: "assignJobs", assignments, slots: {} }));
  }
}

/** One thing that goes wrong. */
async function disturb(rig: ClusterRig, random: SeededRandom, stopped: Set<string>): Promise<void> {
  const name = AGENTS[random.integer(0, AGENTS.length - 1)]!;
  const { env } = rig.agents.get(name)!;
  const known = rig.group.state.agents.get(name);
  switch (random.integer(0, 5)) {
    case 0:
      if (env.alive && !stopped.has(name)) env.stop();
      stopped.add(name);
      break;
    case 1:
    case 2:
      if (known?.status === "active") await rig.lose(name);
      break;
    case 3: {
      if (stopped.delete(name)) env.resume();
      env.crash(random.integer(0, 1) === 0 ? "process" : "power");
      await rig.world.pass(random.integer(0, 300));
      await rig.startAgent(name);
      break;
    }
    case 4: {
      const manners = rig.manners[CONTROLLERS[random.integer(0, 1)]!]!;
      manners.losesAnswers = !manners.losesAnswers;
      break;
    }
    case 5:
      if (stopped.delete(name)) env.resume();
  }
}

/** Agents are stopped, lost, crashed; answers are lost; then everything heals. */
async function chaos(seed: number, fence: Fence, late: boolean): Promise<ClusterRig> {
  const rig = new ClusterRig(seed, 3, { sink: { fence }, landAfterDeath: late });
  await rig.open();
  for (const name of AGENTS) await rig.startAgent(name);
  await rig.until("registered", () => rig.group.state.agents.size === AGENTS.length);
  const random = rig.world.random.stream("chaos");
  const jobs: string[] = [];
  for (let n = 0; n < 4; n++) {
    jobs.push(await rig.give(AGENTS[n % AGENTS.length]!, random.integer(5, 60) * CHUNK + n));
  }
  const stopped = new Set<string>();
  for (let n = 0; n < 40; n++) {
    await rig.world.pass(random.integer(5, 250));
    await disturb(rig, random, stopped);
    await lead(rig, random);
  }
  for (const name of stopped) rig.agents.get(name)!.env.resume();
  for (const manners of Object.values(rig.manners)) manners.losesAnswers = false;
  for (let passed = 0; passed < 300; passed++) {
    if (jobs.every((id) => ended(rig, id))) break;
    await rig.world.pass(1_000);
    if (passed % 5 === 0) await lead(rig, random);
    // What a leader's comparison of leases does.
    for (const id of jobs) await remind(rig, id);
  }
  await rig.world.pass(60_000);
  for (const id of jobs) assertEnded(rig, id, seed);
  assert.deepEqual([...rig.sink.uploads.keys()], [], "no temporary file is left");
  await rig.close();
  return rig;
}

async function remind(rig: ClusterRig, jobId: string): Promise<void> {
  const job = rig.job(jobId);
  if (job.lease === null) return;
  const held = await rig.complete(
    rig.tell(job.lease.agent).ask("leases", {}, { withinMs: 5_000 }).catch(() => null),
  );
  if (held === null || held.some(({ leaseIndex }) => leaseIndex === job.lease!.index)) return;
  if (rig.job(jobId).lease?.index !== job.lease.index) return;
  rig.tell(job.lease.agent).tell("assign", { jobs: [job] });
}

function ended(rig: ClusterRig, jobId: string): boolean {
  const job = rig.job(jobId);
  return job.endedMs !== null || job.state === "unknown";
}

function assertEnded(rig: ClusterRig, jobId: string, seed: number): void {
  const job = rig.job(jobId);
  const told = `seed ${seed}, ${jobId}: ${job.state}, ${job.why}, leases ${job.attempts}`;
  assert.ok(ended(rig, jobId), told);
  assert.ok(rig.publishes(jobId) <= 1, `published once: ${told}`);
  if (job.state === "succeeded") rig.assertDone(jobId);
  assert.equal(job.state, "succeeded", told);
}

const CASES: readonly [Fence, boolean][] = [
  ["seize", false],
  ["seize", true],
  ["token", true],
  ["conditional", true],
];

for (const [fence, late] of CASES) {
  const how = late ? "calls land late" : "calls die with their client";
  Deno.test(`whatever happens to agents, a file is published once and right (${fence}, ${how})`, async () => {
    for (let seed = 1; seed <= 5; seed++) await chaos(seed, fence, late);
  });
}
