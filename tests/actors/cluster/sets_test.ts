/** Sets of files on a cluster: one job, many files, whoever dies. */

import assert from "node:assert/strict";
import type { State } from "../../../actors/controller/state.ts";
import type { Job } from "../../../actors/job/record.ts";
import { planOf, type SetDeclaration } from "../set/place.ts";
import { ADMIN, SimulatedCluster } from "./cluster.ts";

const AGAIN = "again-with-a-longer-id";

class SetCluster {
  readonly cluster: SimulatedCluster;
  readonly #gateway: Awaited<ReturnType<SimulatedCluster["join"]>>;

  private constructor(
    cluster: SimulatedCluster,
    gateway: Awaited<ReturnType<SimulatedCluster["join"]>>,
  ) {
    this.cluster = cluster;
    this.#gateway = gateway;
  }

  static async start(agents: readonly string[], files: number): Promise<SetCluster> {
    const cluster = await SimulatedCluster.start({ store: { delayMs: () => [5, 5] } });
    for (const id of agents) await cluster.agent(id);
    const gateway = await cluster.join("g1", ["gateway"]);
    for (let n = 0; n < files; n++) {
      const path = n % 3 === 0 ? `/in/deep/f${n}` : `/in/f${n}`;
      cluster.store.put(path, new TextEncoder().encode(`content ${n}`));
    }
    return new SetCluster(cluster, gateway);
  }

  get state(): State {
    return this.cluster.living[0]!.role.replica.state;
  }

  get job(): Job | undefined {
    return this.state.jobs.get("r1-1");
  }

  async submit(declared: SetDeclaration = {}): Promise<void> {
    const request = { type: "submit", runId: "r1", plan: planOf(declared) } as const;
    const desk = this.cluster.desk(this.#gateway, this.cluster.living[0]!.id);
    const ask = desk.ask("write", { key: "k", principal: ADMIN, request }, { withinMs: 20_000 });
    assert.ok((await this.cluster.done(ask)).ok);
  }

  /** Tries the job again, as a run of its own. */
  async retry(): Promise<void> {
    const of = { kind: "job", id: "r1-1" } as const;
    const request = { type: "retry", of, runId: AGAIN } as const;
    const desk = this.cluster.desk(this.#gateway, this.cluster.living[0]!.id);
    const ask = desk.ask("write", { key: "k2", principal: ADMIN, request }, { withinMs: 20_000 });
    const written = await this.cluster.done(ask);
    assert.ok(written.ok, JSON.stringify(written));
  }

  get published(): string[] {
    return this.cluster.store.history
      .filter(({ operation }) => operation === "publish").map(({ to }) => to!);
  }

  /** Waits for the end; every file is there, and was published once. */
  async finish(files: number): Promise<Job> {
    const { cluster } = this;
    await cluster.until("the set ends", () => (this.job?.endedMs ?? null) !== null);
    const job = this.job!;
    assert.equal(job.state, "succeeded", job.why);
    assert.equal(job.receipt?.files?.files, files);
    assert.equal(this.published.length, files, "every file is published once");
    assert.equal(new Set(this.published).size, files);
    assert.deepEqual(job.set?.open, []);
    await cluster.stop();
    return job;
  }
}

Deno.test("a set is one job on one agent, and its files share commands", async () => {
  const one = await SetCluster.start(["a1", "a2"], 100);
  const { replica } = one.cluster.living[0]!.role;
  const about = new Set<number>();
  replica.follow((news) => {
    for (const each of news) {
      if (each.type !== "committed") continue;
      if (each.effects.some(({ type }) => type === "jobChanged")) about.add(each.index);
    }
  });
  await one.submit();
  const job = await one.finish(100);
  assert.equal(one.state.jobs.size, 1);
  assert.equal(job.attempts, 1);
  assert.ok(about.size < 60, `${about.size} commands for 100 files`);
});

Deno.test("a set whose agent dies goes on at another, and publishes every file once", async () => {
  const one = await SetCluster.start(["a1", "a2"], 120);
  await one.submit({ transfer: { concurrentFiles: 4 } });
  await one.cluster.until("some files are there", () => one.published.length > 20);
  const holder = one.job!.lease!.agent;
  one.cluster.agents.get(holder)!.env.crash("power");
  const job = await one.finish(120);
  assert.equal(job.attempts, 2);
  assert.ok((job.receipt?.files?.unchanged ?? 0) >= 20, "the second walk found the first files");
});

Deno.test("a set goes on over the death of the leader", async () => {
  const one = await SetCluster.start(["a1"], 60);
  await one.submit({ transfer: { concurrentFiles: 4 } });
  await one.cluster.until("some files are there", () => one.published.length > 10);
  one.cluster.crash((await one.cluster.leader()).id);
  await one.finish(60);
});

Deno.test("a set that loses its agent with a ledger copies nothing twice", async () => {
  const one = await SetCluster.start(["a1", "a2"], 60);
  await one.submit({
    source: { select: { onlyNew: "daily" } },
    transfer: { concurrentFiles: 4 },
  });
  await one.cluster.until("some files are there", () => one.published.length > 10);
  const holder = one.job!.lease!.agent;
  one.cluster.agents.get(holder)!.env.crash("power");
  await one.finish(60);
  assert.equal(one.state.ledgers.get("acme/daily")?.entries, 60);
});

Deno.test("an agent that wakes up after its lease was lost publishes nothing more", async () => {
  const one = await SetCluster.start(["a1", "a2"], 80);
  await one.submit({ transfer: { concurrentFiles: 8 } });
  await one.cluster.until("a grant is open", () => (one.job?.set?.open.length ?? 0) > 0);
  const { env } = one.cluster.agents.get(one.job!.lease!.agent)!;
  env.stop();
  await one.cluster.until("another has it", () => (one.job?.attempts ?? 0) > 1);
  await one.cluster.world.pass(500);
  env.resume();
  await one.finish(80);
});

Deno.test("who retries a set that has failed gets what is left, and nothing twice", async () => {
  const one = await SetCluster.start(["a1"], 30);
  const failures = [{ operation: "open", times: 1, code: "forbidden" } as const];
  one.cluster.store.setFaults("/in/f7", { failures });
  await one.submit({ retry: { maxAttempts: 1 } });
  await one.cluster.until("the set has failed", () => one.job?.state === "failed");
  assert.deepEqual(one.job?.set?.failures.map(({ path }) => path), ["f7"]);
  assert.equal(one.published.length, 29);
  await one.retry();
  const retried = () => [...one.state.jobs.values()].find(({ runId }) => runId === AGAIN);
  await one.cluster.until("it ends", () => (retried()?.endedMs ?? null) !== null);
  const { state, receipt, why } = retried()!;
  assert.equal(state, "succeeded", why);
  assert.deepEqual([receipt?.files?.files, receipt?.files?.unchanged], [1, 29]);
  assert.equal(new Set(one.published).size, 30);
  assert.equal(one.published.length, 30);
  await one.cluster.stop();
});
