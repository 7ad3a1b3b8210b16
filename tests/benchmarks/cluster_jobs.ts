/** Tiny transfers through a cluster: how fast they are taken, given to agents, and done; at what cost. */

import type { LiveEvent } from "../../client.ts";
import { type BenchCluster, cpuBetween, until } from "./cluster_nodes.ts";
import { figuresOf } from "./raft_figures.ts";
import { percentile } from "./raft_load.ts";
import type { Report } from "./report.ts";

const FILE_BYTES = 1_024;
/** Submissions under way at a time. */
const CLIENTS = 16;
const WITHIN_MS = 60_000;
/** Between two looks at whether a run has ended. */
const LOOK_MS = 100;
/** Of the steady load by which latency is measured: well below what the cluster can do. */
const STEADY_PER_SECOND = 20;

/** How many jobs each part has. */
export interface JobCounts {
  readonly single: number;
  readonly grouped: number;
  readonly steady: number;
}

/** See the head of this file. */
export async function measureJobs(
  cluster: BenchCluster,
  report: Report,
  counts: JobCounts,
): Promise<void> {
  Deno.writeFileSync(`${cluster.volume}/source`, new Uint8Array(FILE_BYTES).fill(113));
  // Whoever is first meets code that is not compiled yet.
  await runGroup(cluster, "warm", Math.ceil(counts.grouped / 4));
  await grouped(cluster, report, counts.grouped);
  await single(cluster, report, counts.single);
  await steady(cluster, report, counts.steady);
}

/** One run of many transfers. */
async function grouped(cluster: BenchCluster, report: Report, jobs: number): Promise<void> {
  const figure = figuresOf(report, "cluster");
  const before = cluster.cpuMs();
  const startMs = performance.now();
  await runGroup(cluster, "grouped", jobs);
  const seconds = (performance.now() - startMs) / 1_000;
  const after = cluster.cpuMs();
  figure("one_run_completed", "jobs/s", jobs / seconds, ">=100");
  const { id } = await cluster.leader();
  figure("one_run_cpu_leader", "ms/job", cpuBetween(before, after, id) / jobs);
  figure("one_run_cpu_controllers", "ms/job", cpuBetween(before, after, "c") / jobs);
  figure("one_run_cpu_agents", "ms/job", cpuBetween(before, after, "a") / jobs);
}

async function runGroup(cluster: BenchCluster, name: string, jobs: number): Promise<void> {
  const transfers = Array.from({ length: jobs }, (_, index) => transfer(cluster, name, index));
  const [run] = await cluster.client.runs.submit({
    workflow: {
      ...{ apiVersion: "quorus.dev/v1", kind: "TransferGroup", metadata: { name } },
      spec: { execution: { strategy: "parallel", maxConcurrency: jobs }, transfers },
    },
  });
  let state = "";
  await until(`run ${name} has ended`, WITHIN_MS, async () => {
    state = (await cluster.client.runs.get(run!.id)).state;
    return state !== "running";
  }, LOOK_MS);
  if (state !== "succeeded") throw new Error(`the run ${name} has ${state}`);
}

/** Many jobs, each submitted by itself. */
async function single(cluster: BenchCluster, report: Report, jobs: number): Promise<void> {
  const figure = figuresOf(report, "cluster");
  await following(cluster, async (stories) => {
    const before = cluster.cpuMs();
    const startMs = Date.now();
    const left = Array.from({ length: jobs }, (_, index) => index);
    await Promise.all(Array.from({ length: CLIENTS }, async () => {
      for (let next = left.pop(); next !== undefined; next = left.pop()) {
        await submit(cluster, "single", next);
      }
    }));
    const submittedMs = Date.now() - startMs;
    await until("all single jobs have ended", WITHIN_MS, () => stories.ended >= jobs);
    const after = cluster.cpuMs();
    const rate = (times: readonly number[]) => jobs / (Math.max(...times) - startMs) * 1_000;
    figure("submitted", "jobs/s", jobs / submittedMs * 1_000, ">=100");
    figure("assigned", "jobs/s", rate(stories.times("assigned")), ">=100");
    figure("completed", "jobs/s", rate(stories.times("succeeded")), ">=100");
    figure("cpu_controllers", "ms/job", cpuBetween(before, after, "c") / jobs);
    figure("cpu_agents", "ms/job", cpuBetween(before, after, "a") / jobs);
    figure("cpu_gateway", "ms/job", cpuBetween(before, after, "g") / jobs);
  });
}

/** A job from time to time: how long it takes from its acknowledgement until it has an agent, and so on. */
async function steady(cluster: BenchCluster, report: Report, jobs: number): Promise<void> {
  const figure = figuresOf(report, "cluster");
  await following(cluster, async (stories) => {
    const acknowledged = new Map<string, { readonly askedMs: number; readonly atMs: number }>();
    const work: Promise<void>[] = [];
    for (let index = 0; index < jobs; index += 1) {
      work.push((async () => {
        const askedMs = Date.now();
        const { id } = await submit(cluster, "steady", index);
        acknowledged.set(id, { askedMs, atMs: Date.now() });
      })());
      await new Promise((resolve) => setTimeout(resolve, 1_000 / STEADY_PER_SECOND));
    }
    await Promise.all(work);
    await until("all steady jobs have ended", WITHIN_MS, () => stories.ended >= jobs);
    const asked: number[] = [];
    const [assigned, working, ended]: number[][] = [[], [], []];
    for (const [id, { askedMs, atMs }] of acknowledged) {
      asked.push(atMs - askedMs);
      assigned!.push(Math.max(0, stories.at(id, "assigned") - atMs));
      working!.push(Math.max(0, stories.at(id, "publishing") - atMs));
      ended!.push(stories.at(id, "succeeded") - askedMs);
    }
    const both = (name: string, values: number[], aim?: string) => {
      values.sort((a, b) => a - b);
      figure(`${name}_p50`, "ms", percentile(values, 0.5));
      figure(`${name}_p99`, "ms", percentile(values, 0.99), aim);
    };
    both("submission", asked);
    both("assignment", assigned!, "<100");
    // A tiny job is over before it says that it runs: its grant is the first that its agent commits.
    both("first_report", working!);
    both("submission_to_end", ended!);
  });
}

async function submit(cluster: BenchCluster, name: string, index: number) {
  return await cluster.client.jobs.submit({
    workflow: {
      apiVersion: "quorus.dev/v1",
      kind: "Transfer",
      metadata: { name: `${name}-${index}` },
      spec: withoutName(transfer(cluster, name, index)),
    },
  });
}

function withoutName({ source, destination }: ReturnType<typeof transfer>) {
  return { source, destination };
}

function transfer({ volume }: BenchCluster, name: string, index: number) {
  return {
    name: `${name}-${index}`,
    source: { path: `${volume}/source` },
    destination: { path: `${volume}/${name}-${index}` },
  };
}

/** When each job was first seen in each state, by the leader's clock: that of this machine. */
class Stories {
  readonly #states = new Map<string, Map<string, number>>();
  ended = 0;

  take(event: LiveEvent): void {
    if (event.type !== "dev.quorus.job.changed") return;
    const { id, state } = event.data;
    let states = this.#states.get(id);
    if (states === undefined) this.#states.set(id, states = new Map());
    if (states.has(state)) return;
    states.set(state, Date.parse(event.time));
    if (state === "succeeded") this.ended += 1;
    if (state === "failed") throw new Error(`job ${id} has failed: ${event.data.why}`);
  }

  /** NaN where it was never seen in that state. */
  at(job: string, state: string): number {
    return this.#states.get(job)?.get(state) ?? NaN;
  }

  times(state: string): number[] {
    return [...this.#states.values()].map((states) => states.get(state) ?? NaN);
  }
}

async function following(
  cluster: BenchCluster,
  body: (stories: Stories) => Promise<void>,
): Promise<void> {
  const stories = new Stories();
  const stop = new AbortController();
  const opened = Promise.withResolvers<void>();
  const types = ["dev.quorus.job.changed"] as const;
  const follow = (async () => {
    const options = { types, signal: stop.signal, onOpen: opened.resolve };
    for await (const event of cluster.client.watch(options)) stories.take(event);
  })();
  follow.catch(opened.reject);
  try {
    await opened.promise;
    await Promise.race([body(stories), follow]);
  } finally {
    stop.abort();
    await follow;
  }
}
