/**
 * Bytes per second of one run of large files, with one, two and four agents: on one machine, so that they
 * share its cores and its memory. From a tmpfs to the same tmpfs, with fsync and verification.
 */

import { type BenchCluster, until, withBenchCluster } from "./cluster_nodes.ts";
import { figuresOf } from "./raft_figures.ts";
import type { Report } from "./report.ts";

const AGENTS = [1, 2, 4];
const FILES = 8;
const FILE_BYTES = 64 * 1_024 * 1_024;
const WITHIN_MS = 60_000;
const SLOTS = 8;

/** See the head of this file. */
export async function measureBytes(report: Report): Promise<void> {
  const figure = figuresOf(report, "cluster");
  for (const agents of AGENTS) {
    await withBenchCluster({ agents, slots: SLOTS }, async (cluster) => {
      writeSource(`${cluster.volume}/large`);
      await move(cluster, "warm", 1);
      const seconds = await move(cluster, "large", FILES);
      figure(`${agents}_agents_bytes`, "MB/s", FILES * FILE_BYTES / seconds / 1e6);
    });
  }
}

function writeSource(path: string): void {
  const block = new Uint8Array(1_024 * 1_024);
  for (let at = 0; at < block.length; at += 1) block[at] = (at * 31 + (at >> 8)) % 256;
  using file = Deno.openSync(path, { create: true, write: true, truncate: true });
  for (let written = 0; written < FILE_BYTES; written += block.length) file.writeSync(block);
}

/** The seconds that a run of so many files takes. */
async function move(cluster: BenchCluster, name: string, files: number): Promise<number> {
  const { volume, client } = cluster;
  const transfers = Array.from({ length: files }, (_, index) => ({
    name: `${name}-${index}`,
    source: { path: `${volume}/large` },
    destination: { path: `${volume}/${name}-${index}` },
  }));
  const startMs = performance.now();
  const [run] = await client.runs.submit({
    workflow: {
      ...{ apiVersion: "quorus.dev/v1", kind: "TransferGroup", metadata: { name } },
      spec: { execution: { strategy: "parallel", maxConcurrency: files }, transfers },
    },
  });
  let state = "";
  await until(`the run ${name} has ended`, WITHIN_MS, async () => {
    state = (await client.runs.get(run!.id)).state;
    return state !== "running";
  });
  if (state !== "succeeded") throw new Error(`the run ${name} has ${state}`);
  return (performance.now() - startMs) / 1_000;
}
