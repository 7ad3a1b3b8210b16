/** `workers_child.ts WORKERS URL`: one agent in a process of its own; prints its figures as JSON. */

import process from "node:process";
import { protocolsFor } from "../../cli/protocols.ts";
import { withWorkers, type WorkersRig } from "../actors/agent/workers_rig.ts";

const LARGE = { files: 8, bytes: 64 * 1_024 * 1_024 };
const TINY = { files: 1_000, bytes: 4_096 };
const SLOW_FILES = 1_000;
/** Reports one commit for all that came meanwhile; the journal of the rig syncs. */
const LIMITS = {
  agentSlots: SLOW_FILES,
  progressMs: 200,
  relayMs: 500,
  checkpointBytes: 67_108_864,
};

const MODULE = import.meta.resolve("../../cli/roles/agent_worker.ts");

async function measure(workers: number, url: string): Promise<Record<string, number>> {
  const figures: Record<string, number> = {};
  const settings = { node: "a1", secrets: null, directory: Deno.cwd() };
  const own = { ...settings, logLevel: "error", logFormat: "json" };
  const machinery = {
    ...{ module: MODULE, own },
    protocols: (env: Parameters<typeof protocolsFor>[0]) =>
      protocolsFor(env, { maxRate: null, trace: false }),
  };
  await withWorkers(
    workers,
    async (rig) => {
      figures["rss_idle MiB"] = memory("VmRSS");
      write(`${rig.folder}/tiny`, TINY.bytes);
      write(`${rig.folder}/large`, LARGE.bytes);
      const local = (name: string) => () => `file://${rig.folder}/${name}`;
      const tiny = await move(rig, TINY.files, local("tiny"));
      figures["tiny transfers/s"] = TINY.files / tiny.seconds;
      figures["tiny_cpu ms/transfer"] = tiny.cpuSeconds * 1_000 / TINY.files;
      await move(rig, 2, local("large"));
      const large = await move(rig, LARGE.files, local("large"));
      const bytes = LARGE.files * LARGE.bytes;
      figures["large MB/s"] = bytes / large.seconds / 1e6;
      figures["large_cpu s/GB"] = large.cpuSeconds / (bytes / 1e9);
      await move(rig, SLOW_FILES, (index) => `${url}/${index}`);
      figures["rss_1000 MiB"] = memory("VmHWM");
    },
    LIMITS,
    machinery,
  );
  return figures;
}

async function move(
  rig: WorkersRig,
  files: number,
  uri: (index: number) => string,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const cpuSeconds = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  };
  const [startMs, cpuBefore] = [performance.now(), cpuSeconds()];
  const jobs = await Promise.all(Array.from({ length: files }, (_, at) => rig.submitFrom(uri(at))));
  await Promise.all(jobs.map((jobId) => rig.assign(jobId)));
  await Promise.all(jobs.map((jobId) => rig.until(jobId, ({ state }) => state === "succeeded")));
  return { seconds: (performance.now() - startMs) / 1_000, cpuSeconds: cpuSeconds() - cpuBefore };
}

function write(path: string, bytes: number): void {
  const block = Uint8Array.from({ length: Math.min(bytes, 1_048_576) }, (_, at) => at * 31 & 0xff);
  using file = Deno.openSync(path, { create: true, write: true, truncate: true });
  for (let written = 0; written < bytes; written += block.length) file.writeSync(block);
}

function memory(name: string): number {
  const text = Deno.readTextFileSync("/proc/self/status");
  return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(text)?.[1]) / 1_024;
}

const [workers, url] = Deno.args;
console.log(JSON.stringify(await measure(Number(workers), url!)));
Deno.exit(0);
