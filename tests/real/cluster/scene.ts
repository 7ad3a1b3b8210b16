/** A cluster of processes with what is asked of it often, and at once. */

import assert from "node:assert/strict";
import { type ClusterUnderTest, quorusProcess } from "./cluster_processes.ts";

const LOOK_EACH_MS = 50;
const PATIENCE_MS = 120_000;

interface NodeRow {
  readonly id: string;
  readonly pid: number | null;
}

/** What is known of a file that has arrived. */
export interface Receipt {
  readonly outcome: string;
  readonly bytes: number;
  readonly sha256: string;
  readonly keptBytes: number;
  readonly fetchedBytes: number;
  readonly attempts: number;
}

/** A job, as the API tells of it. */
export interface JobRow {
  readonly id: string;
  readonly name: string;
  readonly state: string;
  readonly why: string;
  /** Who has it now. */
  readonly agent: string | null;
  readonly attempts: number;
  readonly endedMs: number | null;
  readonly receipt: Receipt | null;
}

/** What `look` finds, asked again and again. */
export async function until<T>(what: string, look: () => T | null | Promise<T | null>): Promise<T> {
  const untilMs = performance.now() + PATIENCE_MS;
  while (performance.now() < untilMs) {
    const found = await look();
    if (found !== null) return found;
    await new Promise((resolve) => setTimeout(resolve, LOOK_EACH_MS));
  }
  throw new Error(`it never came: ${what}`);
}

/** See the head of this file. */
export interface Scene {
  readonly cluster: ClusterUnderTest;
  /** `words`: further ones of `submit`. */
  submit(name: string, text: string, words?: readonly string[]): Promise<void>;
  /** What the verb says. */
  explain(jobId: string): Promise<string>;
  job(name: string): Promise<JobRow>;
  /** SIGKILL, now. */
  kill(agent: string): Promise<void>;
}

/** Of a cluster whose agents know the authority of the servers. */
export async function sceneOf(cluster: ClusterUnderTest): Promise<Scene> {
  const { cwd, nodes } = cluster;
  const keyFile = `${cwd}/.quorus/cluster/admin.key`;
  const authorization = `Bearer ${(await Deno.readTextFile(keyFile)).trim()}`;
  const door = `http://${(await nodes()).find(({ role }) => role === "gateway")?.place}`;
  const reached = ["--server", door, "--key-file", keyFile];
  return {
    cluster,
    submit: async (name, text, more = []) => {
      const file = `${cwd}/${name}.yaml`;
      await Deno.writeTextFile(file, text);
      const { code, out, err } = await quorusProcess(cwd, ["submit", file, ...more, ...reached]);
      assert.equal(code, 0, out + err);
    },
    explain: async (jobId) => (await quorusProcess(cwd, ["explain", jobId, ...reached])).out,
    job: async (name) => {
      const answer = await fetch(`${door}/v1/jobs`, { headers: { authorization } });
      const { items } = await answer.json() as { items: JobRow[] };
      return items.find((job) => job.name === name)!;
    },
    kill: async (agent) => {
      const file = `${cwd}/.quorus/cluster/cluster.json`;
      const { nodes } = JSON.parse(await Deno.readTextFile(file)) as { nodes: NodeRow[] };
      const { pid } = nodes.find(({ id }) => id === agent)!;
      Deno.kill(pid!, "SIGKILL");
    },
  };
}
