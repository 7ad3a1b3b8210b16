/**
 * `bench failover [--kills=8]`: kill -9 of the leader of a real cluster while jobs are submitted through its
 * gateway: how long nobody is answered, and whether anything that was acknowledged is lost. Then kill -9 of
 * an agent at work: when the cluster notices, and when all of its jobs are somebody else's.
 */

import type { QuorusClient } from "../../client.ts";
import { pause } from "../chaos/door.ts";
import { type BenchCluster, until, withBenchCluster } from "./cluster_nodes.ts";
import { figuresOf } from "./raft_figures.ts";
import { percentile } from "./raft_load.ts";
import type { Report } from "./report.ts";

const KILLS = 8;
const WRITERS = 4;
/** Load before a kill, and after writes are acknowledged again. */
const CALM_MS = 1_000;
/** Between two writes of a writer. */
const THINK_MS = 20;
const SERVED_MS = 15_000;
const ENDED_MS = 60_000;
/** Jobs that two agents share, and whose source goes on for longer than anything here takes. */
const SLOW_JOBS = 16;
const DRIP_MS = 200;
const DRIP_BYTES = 1_024;
const LEASED: ReadonlySet<string> = new Set(["assigned", "running", "verifying", "publishing"]);

/** See the head of this file. */
export async function bench(report: Report): Promise<void> {
  const kills = Number(
    Deno.args.find((arg) => arg.startsWith("--kills="))?.slice("--kills=".length) ?? KILLS,
  );
  await withBenchCluster({ agents: 2 }, async (cluster) => {
    Deno.writeFileSync(`${cluster.volume}/source`, new Uint8Array(1_024).fill(113));
    try {
      await killLeaders(cluster, report, kills);
    } finally {
      await killAgent(cluster, report);
    }
  });
}

async function killLeaders(cluster: BenchCluster, report: Report, kills: number): Promise<void> {
  const figure = figuresOf(report, "failover");
  const writers = new Writers(cluster);
  const silentMs: number[] = [];
  try {
    await until("jobs are submitted", SERVED_MS, () => writers.acknowledged.length >= WRITERS);
    while (silentMs.length < kills) silentMs.push(await killOnce(cluster, writers));
  } finally {
    await writers.stop();
    silentMs.sort((a, b) => a - b);
    figure("leader_kills", "kills", silentMs.length);
    figure("silence_p50", "ms", percentile(silentMs, 0.5));
    figure("silence_p99", "ms", percentile(silentMs, 0.99), "<1000");
    figure("silence_max", "ms", silentMs.at(-1) ?? NaN, "<5000");
    figure("writes_acknowledged", "jobs", writers.acknowledged.length);
    figure("writes_failed", "jobs", writers.failed);
  }
  figure("acknowledged_lost", "jobs", await lostOf(cluster.client, writers), "<=0");
}

/** The longest time without an acknowledged write around a kill. */
async function killOnce(cluster: BenchCluster, writers: Writers): Promise<number> {
  await pause(CALM_MS);
  const node = cluster.node((await cluster.leader()).id);
  const killedMs = performance.now();
  await node.end("SIGKILL");
  const since = () => writers.acknowledged.filter(({ askedMs }) => askedMs > killedMs);
  await until("a write is acknowledged again", SERVED_MS, () => since().length > 0);
  await pause(CALM_MS);
  const times = writers.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs >= killedMs);
  const gaps = times.map((atMs, index) => atMs - (times[index - 1] ?? killedMs));
  node.start();
  await node.ready();
  return Math.max(...gaps);
}

/** What every acknowledged job has come to: those that are unknown, or did not end well. */
async function lostOf(client: QuorusClient, writers: Writers): Promise<number> {
  let states = new Map<string, string>();
  await until("all jobs have ended", ENDED_MS, async () => {
    const jobs = await Array.fromAsync(client.jobs.list());
    states = new Map(jobs.map(({ id, state }) => [id, state]));
    return writers.acknowledged.every(({ id }) => states.get(id) === "succeeded");
  }, 500).catch(() => {});
  const lost = writers.acknowledged.filter(({ id }) => states.get(id) !== "succeeded");
  for (const { id } of lost.slice(0, 10)) console.error(`${id}: ${states.get(id) ?? "unknown"}`);
  return lost.length;
}

/** Clients that submit one job after the other. */
class Writers {
  /** In the order in which they were acknowledged. */
  readonly acknowledged: {
    readonly id: string;
    readonly askedMs: number;
    readonly atMs: number;
  }[] = [];
  failed = 0;
  readonly #cluster: BenchCluster;
  readonly #running: Promise<void>[];
  #isStopping = false;

  constructor(cluster: BenchCluster) {
    this.#cluster = cluster;
    this.#running = Array.from({ length: WRITERS }, (_, index) => this.#write(index));
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#running);
  }

  async #write(writer: number): Promise<void> {
    const { client, volume } = this.#cluster;
    for (let number = 0; !this.#isStopping; number += 1) {
      const name = `w${writer}-${number}`;
      const askedMs = performance.now();
      try {
        const { id } = await client.jobs.submit({
          workflow: {
            ...{ apiVersion: "quorus.dev/v1", kind: "Transfer", metadata: { name } },
            spec: {
              source: { path: `${volume}/source` },
              destination: { path: `${volume}/${name}` },
            },
          },
        });
        this.acknowledged.push({ id, askedMs, atMs: performance.now() });
      } catch {
        this.failed += 1;
      }
      await pause(THINK_MS);
    }
  }
}

async function killAgent(cluster: BenchCluster, report: Report): Promise<void> {
  const figure = figuresOf(report, "failover");
  const source = dripping();
  try {
    const runId = await submitSlow(cluster, source.url);
    const agentsOf = async () => {
      const jobs = await Array.fromAsync(cluster.client.jobs.list({ run: runId }));
      return jobs.filter(({ state }) => LEASED.has(state)).map(({ agent }) => agent);
    };
    await until("both agents work", SERVED_MS, async () => {
      const agents = await agentsOf();
      return agents.length === SLOW_JOBS && new Set(agents).size === 2;
    });
    const victim = cluster.agents[1]!;
    const had = (await agentsOf()).filter((agent) => agent === victim).length;
    const killedMs = performance.now();
    await cluster.node(victim).end("SIGKILL");
    await until("the loss is noticed", SERVED_MS, async () => {
      return (await cluster.client.agents.get(victim)).status === "unhealthy";
    });
    figure("agent_detection", "ms", performance.now() - killedMs, "<5000");
    await until("its jobs are somebody else's", SERVED_MS, async () => {
      const agents = await agentsOf();
      return agents.length === SLOW_JOBS && !agents.includes(victim);
    });
    figure("agent_redistribution", "ms", performance.now() - killedMs, "<10000");
    figure("agent_jobs_redistributed", "jobs", had);
  } finally {
    await source.stop();
  }
}

async function submitSlow({ client, volume }: BenchCluster, url: string): Promise<string> {
  const transfers = Array.from({ length: SLOW_JOBS }, (_, index) => ({
    name: `slow-${index}`,
    source: { uri: `${url}/${index}` },
    destination: { path: `${volume}/slow-${index}` },
  }));
  const [run] = await client.runs.submit({
    workflow: {
      ...{ apiVersion: "quorus.dev/v1", kind: "TransferGroup", metadata: { name: "slow" } },
      spec: { execution: { strategy: "parallel", maxConcurrency: SLOW_JOBS }, transfers },
    },
  });
  return run!.id;
}

/** A server whose bodies never end, and come drop by drop. */
function dripping(): { readonly url: string; stop(): Promise<void> } {
  const ended = new AbortController();
  const options = { hostname: "127.0.0.1", port: 0, onListen: () => {}, signal: ended.signal };
  const server = Deno.serve(options, () => {
    let timer: ReturnType<typeof setInterval> | undefined;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        timer = setInterval(() => controller.enqueue(new Uint8Array(DRIP_BYTES)), DRIP_MS);
      },
      cancel: () => clearInterval(timer),
    });
    return new Response(body);
  });
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    stop: async () => {
      ended.abort();
      await server.finished;
    },
  };
}
