/** A local cluster of real processes for one test, and what is asked of its gateway. */

import assert from "node:assert/strict";
import { inFolder } from "../../cli/folder.ts";

const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

/** How many nodes. */
export interface Shape {
  readonly controllers: number;
  readonly agents: number;
  readonly gateways: number;
}

/** One node, as `cluster status` tells. */
export interface NodeRow {
  readonly node: string;
  readonly role: string;
  readonly state: string;
  readonly pid: number | null;
  readonly place: string | null;
  readonly metrics: string | null;
}

/** What a verb has left. */
export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** See the file's comment. */
export interface ClusterUnderTest {
  readonly cwd: string;
  /** `quorus cluster VERB...` in this folder. */
  cluster(...verb: readonly string[]): Promise<Ran>;
  nodes(): Promise<NodeRow[]>;
  /** GET of the first gateway with the admin key. */
  get(path: string): Promise<{ status: number; body: Record<string, unknown> }>;
}

/** Runs the command line as a process of its own. */
export async function quorusProcess(
  cwd: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Ran> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", CLI, ...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
  }).output();
  const text = new TextDecoder();
  return { code, out: text.decode(stdout), err: text.decode(stderr) };
}

/** Starts a cluster, whose processes have these variables, does the work, and ends it whatever happens. */
export function withCluster(
  { controllers, agents, gateways }: Shape,
  work: (cluster: ClusterUnderTest) => Promise<void>,
  flags: readonly string[] = [],
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  return inFolder(async (cwd) => {
    const cluster = (...verb: readonly string[]) => quorusProcess(cwd, ["cluster", ...verb]);
    const counts = Object.entries({ controllers, agents, gateways })
      .flatMap(([name, count]) => [`--${name}`, String(count)]);
    try {
      const up = await quorusProcess(cwd, ["cluster", "up", ...counts, ...flags], env);
      assert.equal(up.code, 0, up.err);
      const nodes = async () => JSON.parse((await cluster("status", "-o", "json")).out).nodes;
      await work({ cwd, cluster, nodes, get: (path) => get(cwd, nodes, path) });
    } finally {
      await cluster("down");
    }
  });
}

async function get(cwd: string, nodes: () => Promise<NodeRow[]>, path: string) {
  const gateway = (await nodes()).find(({ role }) => role === "gateway");
  const key = Deno.readTextFileSync(`${cwd}/.quorus/cluster/admin.key`).trim();
  const answer = await fetch(`http://${gateway?.place}${path}`, {
    headers: { authorization: `Bearer ${key}` },
  });
  return { status: answer.status, body: await answer.json() };
}

/** Whether there is a process with that id. */
export function isAlive(pid: number): boolean {
  try {
    Deno.kill(pid, "SIGCONT");
    return true;
  } catch (thrown) {
    if (thrown instanceof Deno.errors.NotFound) return false;
    throw thrown;
  }
}
