import assert from "node:assert/strict";
import { ENTRY_VERSION } from "../../../actors/controller/commands.ts";
import type { RunView } from "../../../actors/desk/messages.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { followControllers } from "../../../actors/directory/follower.ts";
import { groupPlan } from "../plans.ts";
import type { MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { ADMIN, type Life, SimulatedCluster } from "./cluster.ts";

const SLOW: MemoryStoreOptions = { delayMs: () => [5, 5] };

function bytesOf(seed: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0, x = seed + 1; at < size; at++) bytes[at] = x = (x * 75 + 74) % 65_537 & 0xff;
  return bytes;
}

/** The language knows no chunks of a few kilobytes. */
function inSmallChunks(plan: Plan): Plan {
  const pipeline = { chunkBytes: 4_096, windowBytes: 8_192, parallelRanges: 1, hash: true };
  const transfers = plan.transfers.map((planned) => ({
    ...planned,
    template: { ...planned.template, pipeline },
  }));
  return { ...plan, transfers };
}

interface Started {
  readonly cluster: SimulatedCluster;
  readonly gateway: Life;
  readonly files: ReadonlyMap<string, Uint8Array>;
  readonly submit: () => Promise<void>;
  readonly run: () => Promise<RunView>;
}

/** A cluster with agents, and a run of some files that is ready to be submitted. */
async function start(count: number, size: number, agents: readonly string[]): Promise<Started> {
  const cluster = await SimulatedCluster.start({ store: SLOW });
  for (const id of agents) await cluster.agent(id);
  const gateway = await cluster.join("g1", ["gateway"]);
  const files = new Map<string, Uint8Array>();
  for (let n = 0; n < count; n++) {
    const bytes = bytesOf(n, size + n);
    files.set(`/out/${n}`, bytes);
    cluster.store.put(`/in/${n}`, bytes);
  }
  const transfers = Array.from({ length: count }, (_, n) => ({
    name: `t${n}`,
    source: { uri: `memory:///in/${n}` },
    destination: { uri: `memory:///out/${n}` },
  }));
  const plan = inSmallChunks(groupPlan(transfers, { execution: { strategy: "parallel" } }));
  const desk = () => cluster.desk(gateway, cluster.living[0]!.id);
  const submit = async () => {
    const request = { type: "submit", runId: "r1", plan } as const;
    const ask = { key: "k", principal: ADMIN, request };
    assert.ok((await cluster.done(desk().ask("write", ask, { withinMs: 20_000 }))).ok);
  };
  const run = async (): Promise<RunView> => {
    const query = { type: "run", runId: "r1" } as const;
    const body = { consistency: "stale", principal: ADMIN, query } as const;
    const { found } = await cluster.done(desk().ask("read", body));
    assert.ok(found.type === "run", JSON.stringify(found));
    return found.run;
  };
  return { cluster, gateway, files, submit, run };
}

/** Waits for the end of the run; everything is where it should be, and was published once. */
async function finish({ cluster, files, run }: Started): Promise<void> {
  // The first of them may not have heard of the run yet.
  const state = () => cluster.living[0]!.role.replica.state.runs.get("r1")?.state ?? "running";
  await cluster.until("the run ends", () => state() !== "running", 120_000);
  const view = await run();
  assert.equal(view.state, "succeeded", JSON.stringify(view));
  for (const [path, bytes] of files) {
    assert.deepEqual(cluster.store.files.get(path)?.bytes, bytes, path);
    const published = cluster.store.history.filter(({ operation, to }) =>
      operation === "publish" && to === path
    );
    assert.equal(published.length, 1, `${path} is published once`);
  }
  await cluster.stop();
}

Deno.test("a cluster carries a run out over its agents", async () => {
  const started = await start(12, 20_000, ["a1", "a2", "a3"]);
  await started.submit();
  await started.cluster.until("all agents work", () => {
    const { state } = started.cluster.living[0]!.role.replica;
    return ["a1", "a2", "a3"].every((id) => (state.load.leases.get(id) ?? 0) > 0);
  });
  await finish(started);
});

Deno.test("a run goes on when the leader dies in its middle", async () => {
  const started = await start(8, 60_000, ["a1", "a2"]);
  await started.submit();
  await started.cluster.world.pass(300);
  const leader = await started.cluster.leader();
  started.cluster.crash(leader.id);
  await finish(started);
});

Deno.test("the jobs of an agent that dies go to others, and what it left is not published", async () => {
  const started = await start(8, 60_000, ["a1", "a2", "a3"]);
  await started.submit();
  const { state } = started.cluster.living[0]!.role.replica;
  await started.cluster.world.pass(300);
  started.cluster.agents.get("a1")!.env.crash("power");
  assert.ok(state !== null);
  await finish(started);
});

Deno.test("attempts go on without any controller, and publish when one is back", async () => {
  const started = await start(4, 60_000, ["a1", "a2"]);
  const { cluster } = started;
  await started.submit();
  await cluster.world.pass(300);
  const again = cluster.living.map(({ id }) => cluster.crash(id));
  const written = () =>
    cluster.store.history.filter(({ operation }) => operation === "write").length;
  const before = written();
  await cluster.world.pass(5_000);
  assert.ok(written() > before, "bytes are moved without a controller");
  assert.equal(cluster.store.history.some(({ operation }) => operation === "publish"), false);
  for (const begin of again) await begin();
  await finish(started);
});

Deno.test("an agent follows its controllers until none of those is left that it was told of", async () => {
  const started = await start(4, 20_000, ["a1"]);
  const { cluster, gateway } = started;
  const configured = Object.fromEntries(cluster.ids.map((id) => [id, `ws://${id}:4100`]));
  const known = followControllers(gateway.node, configured);
  for (const [old, id] of [["c1", "c4"], ["c2", "c5"], ["c3", "c6"]] as const) {
    await cluster.newcomer(id);
    const { raft } = (await cluster.leader()).role.replica;
    await cluster.done(raft.addLearner({ id }));
    await cluster.done(raft.replace(old, id));
    await cluster.until(
      "somebody leads",
      () => cluster.living.some(({ role }) => role.replica.isLeader),
    );
    await cluster.until(`${id} is known`, () => known.ids.includes(id));
    cluster.crash(old);
  }
  await cluster.leader();
  await cluster.until("the news are there", () => known.ids.join() === "c4,c5,c6");
  await started.submit();
  await finish(started);
});

Deno.test("a run of one small file costs four commands: started, given, granted, ended", async () => {
  const started = await start(1, 100, ["a1"]);
  const { cluster, submit } = started;
  const { replica } = cluster.living[0]!.role;
  await cluster.until("all know all commands", () => replica.version === ENTRY_VERSION);
  const about = new Set<number>();
  replica.follow((news) => {
    for (const one of news) {
      if (one.type !== "committed") continue;
      if (one.effects.some(({ type }) => type === "jobChanged" || type === "runChanged")) {
        about.add(one.index);
      }
    }
  });
  await submit();
  await finish(started);
  assert.equal(about.size, 4);
});
