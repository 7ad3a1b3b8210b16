/** Agents whose attempts are on Workers, in virtual time: threads that die, and processes with them. */

import assert from "node:assert/strict";
import { groupPlan } from "../plans.ts";
import { ADMIN, type Life, SimulatedCluster } from "./cluster.ts";

const FILES = 6;
const SIZE = 30_000;
const SLOW = { delayMs: () => [10, 10] as const };

/** A run of some files, each longer than one buffer, on one agent with two Workers. */
class Moving {
  private constructor(readonly cluster: SimulatedCluster, readonly gateway: Life) {}

  static async start(seed = 1): Promise<Moving> {
    const cluster = await SimulatedCluster.start({ seed, store: SLOW, workers: 2 });
    await cluster.agent("a1");
    const moving = new Moving(cluster, await cluster.join("g1", ["gateway"]));
    for (let n = 0; n < FILES; n += 1) cluster.store.put(`/in/${n}`, bytesOf(n));
    const { id } = await cluster.leader();
    const desk = cluster.desk(moving.gateway, id);
    const request = { type: "submit", runId: "r1", plan: planOf() } as const;
    const ask = { key: "k", principal: ADMIN, request };
    assert.ok((await cluster.done(desk.ask("write", ask, { withinMs: 20_000 }))).ok);
    return moving;
  }

  get jobs() {
    const { replica } = this.cluster.living[0]!.role;
    return [...replica.state.jobs.values()];
  }

  /** Lets time pass until this many of its Workers' attempts are under way. */
  async untilBusy(count: number): Promise<void> {
    const busy = () =>
      this.cluster.agents.get("a1")!.role.status().workers.reduce(
        (sum, { transfers }) => sum + transfers,
        0,
      );
    await this.cluster.until(`${count} are on Workers`, () => busy() >= count);
    await this.cluster.until(
      "bytes are moved",
      () => this.cluster.store.history.filter(({ operation }) => operation === "write").length > 20,
    );
  }

  /** Every file is right, and was published once. */
  async finish(): Promise<void> {
    const { cluster } = this;
    const state = () => cluster.living[0]!.role.replica.state.runs.get("r1")?.state ?? "running";
    await cluster.until("the run ends", () => state() !== "running", 300_000);
    assert.equal(state(), "succeeded");
    for (let n = 0; n < FILES; n += 1) {
      assert.deepEqual(cluster.store.get(`/out/${n}`), bytesOf(n));
      const published = cluster.store.history.filter(({ operation, to }) =>
        operation === "publish" && to === `/out/${n}`
      );
      assert.equal(published.length, 1, `file ${n} is published once`);
    }
    await cluster.until("nothing is left", () => cluster.store.uploads.size === 0, 60_000);
    await cluster.stop();
  }
}

function bytesOf(n: number): Uint8Array {
  return new Uint8Array(SIZE + n).map((_, at) => (at * 7 + n) % 251);
}

function planOf() {
  const transfers = Array.from({ length: FILES }, (_, n) => ({
    name: `t${n}`,
    source: { uri: `memory:///in/${n}` },
    destination: { uri: `memory:///out/${n}` },
  }));
  const plan = groupPlan(transfers, { execution: { strategy: "parallel" } });
  // The language knows no chunks of a few kilobytes.
  const pipeline = { chunkBytes: 4_096, windowBytes: 8_192, parallelRanges: 1, hash: true };
  return {
    ...plan,
    transfers: plan.transfers.map((one) => ({
      ...one,
      template: { ...one.template, pipeline },
    })),
  };
}

Deno.test("long files are moved by the simulated Workers of an agent", async () => {
  const moving = await Moving.start();
  assert.equal(moving.cluster.workers.length, 2);
  await moving.untilBusy(2);
  await moving.finish();
  assert.ok(moving.jobs.every(({ attempts }) => attempts === 1));
});

Deno.test("a Worker that dies in the middle is started again, and its files are moved to their end", async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const moving = await Moving.start(seed);
    const { cluster } = moving;
    await moving.untilBusy(2);
    const [first] = cluster.workers;
    first!.crash("process");
    await cluster.until("it was started again", () => cluster.workers.length === 3);
    await moving.finish();
    assert.ok(moving.jobs.some(({ attempts }) => attempts > 1), "its attempts were lost");
  }
});

Deno.test("an agent whose process dies with its Workers goes on with what they had kept", async () => {
  for (let seed = 1; seed <= 5; seed += 1) {
    const moving = await Moving.start(seed);
    const { cluster } = moving;
    await moving.untilBusy(2);
    const { env } = cluster.agents.get("a1")!;
    env.crash(seed % 2 === 0 ? "power" : "process");
    assert.ok(cluster.workers.every(({ alive }) => !alive), "threads end with their process");
    await cluster.world.pass(500);
    await cluster.agent("a1", env.restart());
    await moving.finish();
  }
});
