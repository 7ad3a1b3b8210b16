/**
 * `bench cluster [--parts=jobs,heartbeats,bytes,simulated]`: what a cluster of real processes does, three
 * controllers and two agents on loopback, with fsync; the simulated part says so in its name.
 */

import process from "node:process";
import { measureBytes } from "./cluster_bytes.ts";
import { measureHeartbeats } from "./cluster_heartbeats.ts";
import { measureJobs } from "./cluster_jobs.ts";
import { type BenchCluster, withBenchCluster } from "./cluster_nodes.ts";
import { measureSimulated } from "./cluster_simulated.ts";
import { figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";

const PARTS = ["jobs", "heartbeats", "bytes", "simulated"] as const;
type Part = typeof PARTS[number];

const JOBS = { single: 400, grouped: 1_000, steady: 200 };
const GUESTS = 20;

/** Measures each part; one that fails costs its own figures only, and the exit status. */
export async function bench(report: Report): Promise<void> {
  const parts = partsOf(Deno.args);
  const failures: unknown[] = [];
  const attempt = async (part: Part, body: () => Promise<void>) => {
    if (!parts.includes(part)) return;
    try {
      await body();
    } catch (error) {
      process.stderr.write(`${part}: ${error instanceof Error ? error.stack : error}\n`);
      failures.push(error);
    }
  };
  const guests = Array.from({ length: GUESTS }, (_, index) => `h${index + 1}`);
  if (parts.includes("jobs") || parts.includes("heartbeats")) {
    await withBenchCluster({ agents: 2, guests }, async (cluster) => {
      await withoutElections(cluster, report, async () => {
        await attempt("jobs", () => measureJobs(cluster, report, JOBS));
        await attempt("heartbeats", () => measureHeartbeats(cluster, report, guests));
      });
    });
  }
  await attempt("bytes", () => measureBytes(report));
  await attempt("simulated", () => measureSimulated(report));
  if (failures.length > 0) throw new Error(`${failures.length} parts of the benchmark failed`);
}

/** Nobody but a dead leader may cause an election. */
async function withoutElections(
  cluster: BenchCluster,
  report: Report,
  body: () => Promise<void>,
): Promise<void> {
  const before = await cluster.leader();
  await body();
  const after = await cluster.leader();
  figuresOf(report, "cluster")("elections_meanwhile", "count", after.term - before.term, "<=0");
}

function partsOf(args: readonly string[]): readonly Part[] {
  const given = args.find((arg) => arg.startsWith("--parts="))?.slice("--parts=".length);
  if (given === undefined) return PARTS;
  return given.split(",").map((name) => {
    const part = PARTS.find((one) => one === name);
    if (part === undefined) throw new Error(`--parts: ${name} is none of ${PARTS.join(", ")}`);
    return part;
  });
}
