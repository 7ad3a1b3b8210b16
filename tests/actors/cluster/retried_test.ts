/** What has failed and is tried again goes on with what was verified, and never two jobs with one file. */

import assert from "node:assert/strict";
import { ENTRY_VERSION } from "../../../actors/controller/commands.ts";
import type { WriteRequest } from "../../../actors/desk/messages.ts";
import type { Job } from "../../../actors/job/record.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { groupPlan } from "../plans.ts";
import { ADMIN, type Life, SimulatedCluster } from "./cluster.ts";

const SIZE = 60_000;
const CUT = 40_000;
const FLEET = { sweepRestMs: 500, sweepKeepMs: 60_000, sweepAgainMs: 5_000, sweepPauseMs: 200 };

function planOfOne(): Plan {
  const transfer = {
    name: "a",
    source: { uri: "memory:///in/a" },
    destination: { uri: "memory:///out/a" },
    retry: { maxAttempts: 1 },
  };
  const plan = groupPlan([transfer], { execution: { strategy: "parallel" } });
  // The language knows no chunks of a few kilobytes.
  const pipeline = { chunkBytes: 4_096, windowBytes: 8_192, parallelRanges: 1, hash: true };
  const [planned] = plan.transfers;
  return { ...plan, transfers: [{ ...planned!, template: { ...planned!.template, pipeline } }] };
}

/** A run whose one transfer has failed in the middle, as its source ended too early. */
class Failed {
  #keys = 0;

  private constructor(readonly cluster: SimulatedCluster, readonly gateway: Life) {}

  static async start(agents: readonly string[] = ["a1"]): Promise<Failed> {
    const cluster = await SimulatedCluster.start({ limits: { fleet: FLEET } });
    for (const id of agents) await cluster.agent(id);
    const failed = new Failed(cluster, await cluster.join("g1", ["gateway"]));
    cluster.store.put("/in/a", new Uint8Array(SIZE).map((_, at) => at % 251));
    cluster.store.setFaults("/in/a", { truncateAtBytes: CUT });
    await failed.write({ type: "submit", runId: "r1", plan: planOfOne() });
    await failed.reaches("r1", "failed");
    const { replica } = cluster.living[0]!.role;
    await cluster.until("the run has ended", () => replica.state.runs.get("r1")?.endedMs !== null);
    await cluster.until("all know all commands", () => replica.version === ENTRY_VERSION);
    assert.equal(failed.uploads.length, 1, "what was verified is kept");
    cluster.store.setFaults("/in/a", {});
    return failed;
  }

  /** What no publish has taken away. */
  get uploads(): string[] {
    return [...this.cluster.store.uploads.keys()];
  }

  jobOf(runId: string): Job | undefined {
    const { jobs } = this.cluster.living[0]!.role.replica.state;
    return [...jobs.values()].find((job) => job.runId === runId);
  }

  async write(request: WriteRequest): Promise<void> {
    const { id } = await this.cluster.leader();
    const ask = { key: `k${this.#keys += 1}`, principal: ADMIN, request };
    const desk = this.cluster.desk(this.gateway, id);
    const written = await this.cluster.done(desk.ask("write", ask, { withinMs: 20_000 }));
    assert.ok(written.ok, JSON.stringify(written));
  }

  async reaches(runId: string, state: Job["state"]): Promise<Job> {
    const { cluster } = this;
    await cluster.until(
      `${runId} is ${state}`,
      () => this.jobOf(runId)?.state === state,
      60_000,
    );
    return this.jobOf(runId)!;
  }

  async isClean(): Promise<void> {
    await this.cluster.until("nothing is left", () => this.uploads.length === 0, 120_000);
    assert.equal(this.cluster.store.get("/out/a")?.length, SIZE);
  }
}

for (const [what, of] of [["run", "r1"], ["job", null]] as const) {
  Deno.test(`a ${what} that is tried again goes on with what its agent has kept`, async () => {
    const failed = await Failed.start();
    const { cluster } = failed;
    const id = of ?? failed.jobOf("r1")!.id;
    await failed.write({ type: "retry", of: { kind: what, id }, runId: "r2" });
    const job = await failed.reaches("r2", "succeeded");
    assert.ok(job.receipt!.keptBytes >= 32_768, `${job.receipt!.keptBytes} bytes were kept`);
    assert.equal(job.receipt!.keptBytes + job.receipt!.fetchedBytes, SIZE);
    assert.deepEqual([failed.jobOf("r1")?.adoptable, failed.jobOf("r1")?.stale], [[], []]);
    await failed.isClean();
    await cluster.stop();
  });
}

Deno.test("of two that try the same again one has what was kept, and both end right", async () => {
  const failed = await Failed.start(["a1", "a2"]);
  const { cluster } = failed;
  const retry = (runId: string) =>
    failed.write({ type: "retry", of: { kind: "run", id: "r1" }, runId });
  await retry("r2");
  await retry("r3");
  const jobs = [await failed.reaches("r2", "succeeded"), await failed.reaches("r3", "succeeded")];
  assert.equal(jobs.filter(({ goesOnWith }) => goesOnWith !== undefined).length, 1);
  await failed.isClean();
  await cluster.stop();
});

Deno.test("what nobody tries again goes, a while later than what was cancelled", async () => {
  const failed = await Failed.start();
  const { cluster } = failed;
  await cluster.world.pass(50_000);
  assert.equal(failed.uploads.length, 1);
  await cluster.until("nothing is left", () => failed.uploads.length === 0, 60_000);
  await failed.write({ type: "retry", of: { kind: "run", id: "r1" }, runId: "r2" });
  const job = await failed.reaches("r2", "succeeded");
  assert.equal(job.receipt!.keptBytes, 0);
  await failed.isClean();
  await cluster.stop();
});
