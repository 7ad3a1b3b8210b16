import assert from "node:assert/strict";
import type { WriteRequest } from "../../../actors/desk/messages.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { groupPlan } from "../plans.ts";
import { ADMIN, type Life, SimulatedCluster } from "./cluster.ts";

const SIZE = 60_000;
const FLEET = { sweepRestMs: 500, sweepAgainMs: 5_000, sweepPauseMs: 200, loseMs: 1_000 };

/** One job in a cluster, and somebody who may do everything. */
class Rig {
  #keys = 0;

  private constructor(readonly cluster: SimulatedCluster, readonly gateway: Life) {}

  static async start(store: MemoryStoreOptions, agents: readonly string[]): Promise<Rig> {
    const cluster = await SimulatedCluster.start({ store, limits: { fleet: FLEET } });
    for (const id of agents) await cluster.agent(id);
    const rig = new Rig(cluster, await cluster.join("g1", ["gateway"]));
    cluster.store.put("/in/a", new Uint8Array(SIZE).map((_, at) => at % 251));
    await rig.write({ type: "submit", runId: "r1", plan: planOfOne() });
    return rig;
  }

  get job(): Job | undefined {
    return [...this.cluster.living[0]!.role.replica.state.jobs.values()][0];
  }

  /** What no publish has taken away. */
  get uploads(): string[] {
    return [...this.cluster.store.uploads.keys()];
  }

  async write(request: WriteRequest): Promise<void> {
    const { cluster } = this;
    const { id } = await cluster.leader();
    const ask = { key: `k${this.#keys += 1}`, principal: ADMIN, request };
    const desk = cluster.desk(this.gateway, id);
    const written = await cluster.done(desk.ask("write", ask, { withinMs: 20_000 }));
    assert.ok(written.ok, JSON.stringify(written));
  }

  async reaches(state: Job["state"]): Promise<void> {
    await this.cluster.until(`the job is ${state}`, () => this.job?.state === state, 60_000);
  }

  async until(what: string, count: (uploads: readonly string[]) => boolean): Promise<void> {
    await this.cluster.until(what, () => count(this.uploads), 60_000);
  }
}

function planOfOne(): Plan {
  const transfer = {
    name: "a",
    source: { uri: "memory:///in/a" },
    destination: { uri: "memory:///out/a" },
  };
  const plan = groupPlan([transfer], { execution: { strategy: "parallel" } });
  // The language knows no chunks of a few kilobytes.
  const pipeline = { chunkBytes: 4_096, windowBytes: 8_192, parallelRanges: 1, hash: true };
  const [planned] = plan.transfers;
  const small = { ...planned!, template: { ...planned!.template, pipeline } };
  return { ...plan, transfers: [small] };
}

const intend = (intent: "pause" | "cancel"): WriteRequest => {
  return { type: "intendRun", runId: "r1", intent, why: "somebody wants it" };
};

Deno.test("what a paused attempt has kept goes when its job is cancelled", async () => {
  const rig = await Rig.start({ delayMs: () => [10, 10] }, ["a1"]);
  await rig.until("a checkpoint was kept", () => (rig.cluster.store.history.length ?? 0) > 30);
  await rig.write(intend("pause"));
  await rig.reaches("paused");
  assert.equal(rig.uploads.length, 1, "it is kept for the attempt that goes on");
  await rig.cluster.world.pass(10_000);
  assert.equal(rig.uploads.length, 1, "as long as it may go on");
  await rig.write(intend("cancel"));
  await rig.reaches("cancelled");
  await rig.until("nothing is left", ({ length }) => length === 0);
  await rig.cluster.stop();
});

Deno.test("what a lost agent has left goes when its job is cancelled before anybody goes on", async () => {
  const rig = await Rig.start({ delayMs: () => [10, 10] }, ["a1"]);
  await rig.until("something is written", ({ length }) => length > 0);
  rig.cluster.agents.get("a1")!.env.crash("power");
  await rig.write(intend("cancel"));
  await rig.cluster.agent("a2");
  await rig.reaches("cancelled");
  await rig.until("nothing is left", ({ length }) => length === 0);
  await rig.cluster.stop();
});

Deno.test("what a writer makes after it was given up goes when another one has published", async () => {
  const delayMs: MemoryStoreOptions["delayMs"] = (operation) =>
    operation === "open" ? [400, 400] : [5, 5];
  const rig = await Rig.start({ delayMs }, ["a1"]);
  const { cluster } = rig;
  await rig.reaches("assigned");
  await cluster.agent("a2");
  const { env } = cluster.agents.get("a1")!;
  env.stop();
  await rig.write({ type: "deregisterAgent", agentId: "a1", why: "it is old" });
  await cluster.until("a2 goes on", () => rig.job?.lease?.agent === "a2");
  // By now there was nothing that could have been seized.
  await rig.until("a2 writes", ({ length }) => length === 1);
  env.resume();
  await cluster.until("a1 has handed back", () => (rig.job?.adoptable.length ?? 0) > 0);
  await rig.reaches("succeeded");
  await rig.until("nothing is left", ({ length }) => length === 0);
  assert.ok(cluster.store.get("/out/a") !== null);
  await cluster.stop();
});

Deno.test("a new leader goes on with what the last one has not looked for", async () => {
  const rig = await Rig.start({ delayMs: () => [10, 10] }, ["a1"]);
  await rig.until("something is written", ({ length }) => length > 0);
  rig.cluster.agents.get("a1")!.env.crash("power");
  await rig.write(intend("cancel"));
  await rig.reaches("cancelled");
  rig.cluster.crash((await rig.cluster.leader()).id);
  assert.equal(rig.uploads.length, 1);
  await rig.cluster.agent("a2");
  await rig.until("nothing is left", ({ length }) => length === 0);
  await rig.cluster.stop();
});
