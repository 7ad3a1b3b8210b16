/** Two agents, none of which reaches both ends of a transfer: one reads for the other. */

import assert from "node:assert/strict";
import type { Job } from "../../../actors/job/record.ts";
import type { JobView } from "../../../actors/desk/messages.ts";
import type { Metric } from "../../../runtime/telemetry/prometheus.ts";
import { Relays, RELAYS_PATH } from "../../../actors/relay/messages.ts";
import type { Plan } from "../../../workflows/plan.ts";
import { groupPlan } from "../plans.ts";
import { ADMIN, type AgentKind, type Life, SimulatedCluster } from "./cluster.ts";

const CHUNK = 4_096;

interface Relayed {
  readonly cluster: SimulatedCluster;
  readonly files: ReadonlyMap<string, Uint8Array>;
  job(): Promise<JobView>;
  explain(): Promise<readonly string[]>;
  /** Waits for the run to end well; everything is there, published once. */
  finish(): Promise<void>;
}

/** A run of files that one agent can read (`far:`) and another one can write (`memory:`). */
async function start(
  agents: Readonly<Record<string, AgentKind>>,
  { count = 1, size = 60_000, delayMs = 5, parallelRanges = 1 } = {},
): Promise<Relayed> {
  const cluster = await SimulatedCluster.start({
    agents,
    store: { delayMs: () => [delayMs, delayMs] },
  });
  for (const id of Object.keys(agents)) await cluster.agent(id);
  const gateway = await cluster.join("g1", ["gateway"]);
  const files = new Map<string, Uint8Array>();
  const transfers = Array.from({ length: count }, (_, n) => {
    const bytes = Uint8Array.from(
      { length: size + n },
      (_, at) => (at * 31 + n * 7 + at / 256) & 255,
    );
    cluster.store.put(`/in/${n}`, bytes);
    files.set(`/out/${n}`, bytes);
    return {
      name: `t${n}`,
      source: { uri: `far:///in/${n}` },
      destination: { uri: `memory:///out/${n}` },
      retry: { maxAttempts: 20 },
    };
  });
  const plan = inSmallChunks(
    groupPlan(transfers, { execution: { strategy: "parallel" } }),
    parallelRanges,
  );
  const desk = () => cluster.desk(gateway, cluster.living[0]!.id);
  const request = { type: "submit", runId: "r1", plan } as const;
  const ask = { key: "k", principal: ADMIN, request };
  assert.ok((await cluster.done(desk().ask("write", ask, { withinMs: 20_000 }))).ok);
  const state = () => cluster.living[0]!.role.replica.state;
  const jobId = () => [...state().jobs.keys()][0]!;
  const read = async (query: { type: "job" | "explain"; jobId: string }) => {
    const body = { consistency: "stale", principal: ADMIN, query } as const;
    return (await cluster.done(desk().ask("read", body))).found;
  };
  return {
    cluster,
    files,
    job: async () => {
      const found = await read({ type: "job", jobId: jobId() });
      assert.ok(found.type === "job", JSON.stringify(found));
      return found.job;
    },
    explain: async () => {
      const found = await read({ type: "explain", jobId: jobId() });
      assert.ok(found.type === "explain", JSON.stringify(found));
      return found.lines;
    },
    finish: async () => {
      const run = () => state().runs.get("r1")?.state ?? "running";
      await cluster.until("the run ends", () => run() !== "running", 300_000);
      const errors = [...state().jobs.values()].map(({ error, why }) => ({ error, why }));
      assert.equal(run(), "succeeded", JSON.stringify(errors));
      for (const [path, bytes] of files) {
        assert.deepEqual(cluster.store.files.get(path)?.bytes, bytes, path);
        const published = cluster.store.history.filter(({ operation, to }) =>
          operation === "publish" && to === path
        );
        assert.equal(published.length, 1, `${path} was published once`);
      }
    },
  };
}

/** The language knows no chunks of a few kilobytes. */
function inSmallChunks(plan: Plan, parallelRanges: number): Plan {
  const sizes = { chunkBytes: CHUNK, windowBytes: 2 * CHUNK, parallelRanges };
  const transfers = plan.transfers.map((planned) => {
    const pipeline = { ...planned.template.pipeline, ...sizes };
    return { ...planned, template: { ...planned.template, pipeline } };
  });
  return { ...plan, transfers };
}

const OUTER: AgentKind = { speaks: ["far"] };
const INNER: AgentKind = { speaks: ["memory"] };
const listening = (kind: AgentKind): AgentKind => ({ ...kind, listens: true });

/** Until the job has been under way for some bytes. */
async function begun({ cluster }: Relayed, leastBytes = 10_000): Promise<Life & { role: unknown }> {
  const inner = cluster.agents.get("inner")!;
  const fetched = () => bytesOf(inner.role.metrics(), "quorus_agent_fetched_bytes_total");
  await cluster.until("bytes have arrived", () => fetched() >= leastBytes);
  return inner;
}

/** The first job of the run, as a controller knows it. */
function recordOf(cluster: SimulatedCluster): Job | undefined {
  return [...cluster.living[0]!.role.replica.state.jobs.values()][0];
}

function bytesOf(metrics: readonly Metric[], name: string): number {
  const found = metrics.find((one) => one.name === name);
  return found === undefined || found.type === "histogram" ? 0 : found.samples[0]?.value ?? 0;
}

for (
  const [who, agents] of [
    ["the one that reads", { outer: listening(OUTER), inner: INNER }],
    ["the one that writes", { outer: OUTER, inner: listening(INNER) }],
    ["each of them", { outer: listening(OUTER), inner: listening(INNER) }],
  ] as const
) {
  Deno.test(`files are read by one agent and written by another one; links are accepted by ${who}`, async () => {
    const relayed = await start(agents, { count: 6, parallelRanges: 1 });
    await relayed.finish();
    const job = await relayed.job();
    assert.equal(job.receipt?.level, "size");
    const { cluster } = relayed;
    const outer = cluster.agents.get("outer")!.role.metrics();
    const total = [...relayed.files.values()].reduce((sum, { length }) => sum + length, 0);
    assert.equal(bytesOf(outer, "quorus_agent_relayed_bytes_total"), total);
    await cluster.stop();
  });
}

Deno.test("parallel ranges come through a relay, each in its order", async () => {
  const relayed = await start({ outer: listening(OUTER), inner: INNER }, {
    count: 2,
    size: 100_000,
    parallelRanges: 4,
  });
  await relayed.finish();
  await relayed.cluster.stop();
});

Deno.test("explain says who reads, and without a link what would help", async () => {
  const relayed = await start({ outer: OUTER, inner: INNER });
  await relayed.cluster.world.pass(1_000);
  assert.deepEqual(await relayed.explain(), [
    "queued: waiting for a free slot",
    "no agent speaks far and memory",
    "outer could read it for inner, but none of them accepts links: give one of them a place to listen",
  ]);
  await relayed.cluster.stop();
  const other = await start({ outer: listening(OUTER), inner: INNER }, { delayMs: 50 });
  await begun(other);
  const [line] = await other.explain();
  assert.equal(line, "running: running on inner, read by outer");
  await other.finish();
  await other.cluster.stop();
});

Deno.test("the agent that reads dies: another one reads on, and nothing verified is fetched again", async () => {
  const agents = { outer: listening(OUTER), other: listening(OUTER), inner: INNER };
  const relayed = await start(agents, { size: 200_000 });
  const { cluster } = relayed;
  await begun(relayed, 60_000);
  const first = recordOf(cluster)!.lease!.reader!;
  cluster.agents.get(first)!.env.crash("process");
  await relayed.finish();
  const receipt = recordOf(cluster)!.receipt!;
  assert.equal(receipt.attempts, 2);
  assert.ok(receipt.keptBytes >= 16_384, `${receipt.keptBytes} bytes were kept`);
  assert.equal(receipt.keptBytes + receipt.fetchedBytes, 200_000);
  await cluster.stop();
});

Deno.test("the agent that writes dies: its next life, or another one, has the file read on", async () => {
  const agents = { outer: listening(OUTER), inner: INNER, spare: INNER };
  const relayed = await start(agents, { size: 200_000 });
  const { cluster } = relayed;
  await cluster.until("it runs somewhere", () => (recordOf(cluster)?.lease ?? null) !== null);
  const writer = recordOf(cluster)!.lease!.agent;
  await cluster.until("bytes have arrived", () => {
    const metrics = cluster.agents.get(writer)!.role.metrics();
    return bytesOf(metrics, "quorus_agent_fetched_bytes_total") > 60_000;
  });
  cluster.agents.get(writer)!.env.crash("process");
  await relayed.finish();
  await cluster.stop();
});

Deno.test("without any controller bytes go on through a relay", async () => {
  const relayed = await start({ outer: listening(OUTER), inner: INNER }, { size: 300_000 });
  const { cluster } = relayed;
  await begun(relayed, 30_000);
  const again = cluster.ids.map((id) => cluster.crash(id));
  const inner = cluster.agents.get("inner")!;
  await cluster.until(
    "all bytes have arrived",
    () => bytesOf(inner.role.metrics(), "quorus_agent_fetched_bytes_total") >= 300_000,
  );
  for (const start of again) await start();
  await relayed.finish();
  await cluster.stop();
});

Deno.test("a source that fails says so as it does without a relay, with who has read it", async () => {
  const relayed = await start({ outer: listening(OUTER), inner: INNER }, { size: 100_000 });
  const { cluster } = relayed;
  await begun(relayed, 20_000);
  cluster.store.files.delete("/in/0");
  const job = () => recordOf(cluster)!;
  await cluster.until("the job has failed", () => job().state === "failed", 300_000);
  assert.equal(job().error?.code, "notFound");
  assert.match(job().error!.message, /\(read by outer\)$/);
  await cluster.stop();
});

Deno.test("an agent reads only for who has the lease, and only what the lease says", async () => {
  const relayed = await start({ outer: listening(OUTER), inner: INNER, third: INNER }, {
    size: 200_000,
  });
  const { cluster } = relayed;
  await cluster.until("it is assigned", () => (recordOf(cluster)?.lease ?? null) !== null);
  const job = recordOf(cluster);
  const thief = ["inner", "third"].find((id) => id !== job!.lease!.agent)!;
  const { node } = cluster.agents.get(thief)!;
  await cluster.done(node.links.connect({ node: "outer", url: "ws://outer:4100" }));
  const door = node.ref(Relays, `quorus://outer/${RELAYS_PATH}`);
  const to = `quorus://${thief}/agent`;
  const body = { jobId: job!.id, leaseIndex: job!.lease!.index, to };
  const refused = await cluster.done(door.ask("begin", body, { withinMs: 30_000 }));
  assert.ok("error" in refused && refused.error.code === "refused", JSON.stringify(refused));
  const elsewhere = { ...body, to: `quorus://${job!.lease!.agent}/agent` };
  const foreign = await cluster.done(door.ask("begin", elsewhere, { withinMs: 30_000 }));
  assert.ok("error" in foreign && foreign.error.code === "refused", JSON.stringify(foreign));
  await relayed.finish();
  await cluster.stop();
});

Deno.test("an agent that leaves first reads to its end what others have of it", async () => {
  const relayed = await start({ outer: listening(OUTER), inner: INNER }, { size: 200_000 });
  const { cluster } = relayed;
  await begun(relayed, 20_000);
  const outer = cluster.agents.get("outer")!;
  await cluster.done(outer.role.drain(120_000));
  await relayed.finish();
  assert.equal(recordOf(cluster)!.receipt!.attempts, 1);
  await cluster.stop();
});
