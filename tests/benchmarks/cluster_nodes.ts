/**
 * The cluster of `bench cluster` and `bench failover`: real processes on loopback, each started with the
 * least permissions of its role. State lies on the disk, with fsync; the files of transfers on a tmpfs
 * where this user may mount one (root), else on the disk too.
 */

import { stringify } from "yaml";
import { type QuorusClient, quorusClient } from "../../client.ts";
import { newApiKey, sha256Of } from "../../gateway/keys.ts";
import { realEnv } from "../../runtime/env/real.ts";
import type { NodeRole } from "../chaos/places.ts";
import { NodeProcess } from "../chaos/node_process.ts";
import { pause } from "../chaos/door.ts";

const CONTROLLERS = ["c1", "c2", "c3"];
const GATEWAY = "g1";
/** Started only where a benchmark wants a gateway that knows some of the controllers. */
const NARROW_GATEWAY = "g2";
const PLACED = [...CONTROLLERS, GATEWAY, NARROW_GATEWAY];
const MEMORY_MIB = 2_048;
const ASSEMBLED_MS = 60_000;
/** Of `/proc/PID/stat`: a tick of Linux is 10 ms. */
const TICK_MS = 10;

/** How a cluster is made. */
export interface BenchClusterOptions {
  readonly agents: number;
  /** Jobs that an agent takes at a time. */
  readonly slots?: number;
  /** Nodes of the benchmark's own process that may speak as agents. */
  readonly guests?: readonly string[];
}

/** What `/v1/cluster` says. */
export type ClusterFacts = Awaited<ReturnType<QuorusClient["cluster"]["get"]>>;

/** See the head of this file. */
export class BenchCluster {
  readonly agents: readonly string[];
  readonly client: QuorusClient;
  /** Where transfers read and write. */
  readonly volume: string;
  readonly isInMemory: boolean;
  readonly url: string;
  readonly key: string;
  /** That all nodes share. */
  readonly token: string;
  readonly #folder: string;
  readonly #nodes = new Map<string, NodeProcess>();
  readonly #places = new Map<string, string>();

  private constructor(options: BenchClusterOptions) {
    const { agents, slots = 64, guests = [] } = options;
    this.agents = Array.from({ length: agents }, (_, index) => `a${index + 1}`);
    this.#folder = Deno.makeTempDirSync({ prefix: "quorus-bench-" });
    this.volume = Deno.makeTempDirSync({ prefix: "quorus-bench-files-" });
    this.isInMemory = mount("-t", "tmpfs", "-o", `size=${MEMORY_MIB}m`, "tmpfs", this.volume);
    const env = realEnv({ logLevel: "error" });
    this.key = newApiKey(env.random);
    this.token = newApiKey(env.random);
    const sha256 = sha256Of(env.hash, this.key);
    env.close();
    for (const name of ["log", "config"]) Deno.mkdirSync(`${this.#folder}/${name}`);
    Deno.writeTextFileSync(`${this.#folder}/config/token`, this.token, { mode: 0o600 });
    const marker = JSON.stringify({ version: 1, id: "bench" });
    Deno.writeTextFileSync(`${this.volume}/.quorus-volume`, `${marker}\n`);
    for (const [at, port] of freePorts(PLACED.length).entries()) {
      this.#places.set(PLACED[at]!, `127.0.0.1:${port}`);
    }
    const members = Object.fromEntries(guests.map((id) => [id, ["agent"]]));
    const own = Object.fromEntries(this.agents.map((id) => [id, ["agent"]]));
    const roles = { ...members, ...own, [GATEWAY]: ["gateway"], [NARROW_GATEWAY]: ["gateway"] };
    const keys = [{ id: "admin", sha256, scope: "admin", label: "bench" }];
    for (const id of CONTROLLERS) this.#add(id, "controller", { roles, keys });
    for (const id of this.agents) this.#add(id, "agent", { slots });
    this.#add(GATEWAY, "gateway", { allowLocal: true });
    this.url = `http://${this.#places.get(GATEWAY)}`;
    this.client = quorusClient({ url: this.url, key: this.key });
  }

  /** Starts all nodes, and waits until one leads and every agent takes jobs. */
  static async start(options: BenchClusterOptions): Promise<BenchCluster> {
    const cluster = new BenchCluster(options);
    try {
      for (const node of cluster.#nodes.values()) node.start();
      await Promise.all([...cluster.#nodes.values()].map((node) => node.ready()));
      await until("the cluster is assembled", ASSEMBLED_MS, async () => {
        const facts = await cluster.facts();
        const ready = (facts?.agents.idle ?? 0) + (facts?.agents.active ?? 0);
        return typeof facts?.leader === "string" && ready >= options.agents;
      });
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The controllers' links, by their ids. */
  get controllers(): readonly { readonly node: string; readonly url: string }[] {
    return CONTROLLERS.map((node) => ({ node, url: `ws://${this.#places.get(node)}` }));
  }

  node(id: string): NodeProcess {
    const node = this.#nodes.get(id);
    if (node === undefined) throw new Error(`the cluster has no node ${id}`);
    return node;
  }

  /** Starts a gateway that knows only these controllers; its URL. */
  async startNarrowGateway(controllers: readonly string[]): Promise<string> {
    const known = Object.fromEntries(
      controllers.map((id) => [id, `ws://${this.#places.get(id)}`]),
    );
    this.#add(NARROW_GATEWAY, "gateway", { allowLocal: true, controllers: known });
    const node = this.node(NARROW_GATEWAY);
    node.start();
    await node.ready();
    return `http://${this.#places.get(NARROW_GATEWAY)}`;
  }

  /** What the cluster says of itself now; `null` where nobody answers in time. */
  async facts(): Promise<ClusterFacts | null> {
    try {
      const response = await fetch(`${this.url}/v1/cluster`, {
        headers: { authorization: `Bearer ${this.key}` },
        signal: AbortSignal.timeout(2_000),
      });
      return response.status === 200 ? await response.json() : null;
    } catch {
      return null;
    }
  }

  /** The leader, and its term. */
  async leader(): Promise<{ readonly id: string; readonly term: number }> {
    let found: { id: string; term: number } | null = null;
    await until("somebody leads", 30_000, async () => {
      const facts = await this.facts();
      if (typeof facts?.leader !== "string") return false;
      found = { id: facts.leader, term: facts.term };
      return true;
    });
    return found!;
  }

  /** CPU time that each process has used, in ms. */
  cpuMs(): ReadonlyMap<string, number> {
    return new Map([...this.#nodes.keys()].map((id) => [id, cpuOf(this.#pid(id))]));
  }

  /** Ends all processes, and removes what they kept. */
  async stop(): Promise<void> {
    await Promise.all([...this.#nodes.values()].map((node) => node.end("SIGKILL")));
    if (this.isInMemory) await new Deno.Command("umount", { args: ["-l", this.volume] }).output();
    await Deno.remove(this.volume, { recursive: true });
    await Deno.remove(this.#folder, { recursive: true });
  }

  #pid(id: string): number | null {
    try {
      return JSON.parse(Deno.readTextFileSync(`${this.node(id).plan.data}/ready.json`)).pid;
    } catch {
      return null;
    }
  }

  #add(id: string, role: NodeRole, own: Readonly<Record<string, unknown>>): void {
    const folder = this.#folder;
    const place = this.#places.get(id) ?? null;
    const controllers = this.controllers.map(({ node, url }) => [node, url]);
    const settings = {
      node: id,
      data: `${folder}/${id}`,
      token: "${file:token}",
      allowPlain: true,
      controllers: Object.fromEntries(controllers),
      ...(role === "controller" ? { listen: place } : {}),
      ...(role === "gateway" ? { http: place } : {}),
      ...(role === "agent" ? { volumes: [{ path: this.volume }] } : {}),
      ...own,
    };
    const plan = {
      ...{ id, role, place, prefix: [], host: 0, volume: this.volume },
      config: `${folder}/config/${id}.yaml`,
      data: `${folder}/${id}`,
      log: `${folder}/log/${id}.log`,
      reads: [`${folder}/config`],
      net: [...this.#places.values()],
    };
    Deno.writeTextFileSync(plan.config, stringify(settings), { mode: 0o600 });
    Deno.writeTextFileSync(plan.log, "");
    this.#nodes.set(id, new NodeProcess(plan));
  }
}

/** Runs `body` with a cluster of its own. */
export async function withBenchCluster(
  options: BenchClusterOptions,
  body: (cluster: BenchCluster) => Promise<void>,
): Promise<void> {
  const cluster = await BenchCluster.start(options);
  try {
    await body(cluster);
  } finally {
    await cluster.stop();
  }
}

/** Looks again and again; an Error after `withinMs`. */
export async function until(
  what: string,
  withinMs: number,
  holds: () => Promise<boolean> | boolean,
  pauseMs = 50,
): Promise<void> {
  const endMs = performance.now() + withinMs;
  while (!await holds()) {
    if (performance.now() > endMs) throw new Error(`in vain for ${withinMs} ms: ${what}`);
    await pause(pauseMs);
  }
}

/** CPU time between two looks, in ms, of the nodes whose ids begin so. */
export function cpuBetween(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  letter: string,
): number {
  let sum = 0;
  for (const [id, ms] of after) if (id.startsWith(letter)) sum += ms - (before.get(id) ?? 0);
  return sum;
}

/** CPU time that a process has used, in ms; 0 where there is none. */
export function cpuOf(pid: number | null): number {
  if (pid === null) return 0;
  try {
    const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    return (Number(fields[11]) + Number(fields[12])) * TICK_MS;
  } catch {
    return 0;
  }
}

/** Whether it could be done: `/dev/shm` will not do, as Deno lets only `--allow-all` into `/dev`. */
function mount(...args: string[]): boolean {
  try {
    return new Deno.Command("mount", { args, stderr: "null" }).outputSync().success;
  } catch {
    return false; // there is no such program
  }
}

function freePorts(count: number): readonly number[] {
  const listeners = Array.from(
    { length: count },
    () => Deno.listen({ hostname: "127.0.0.1", port: 0 }),
  );
  const ports = listeners.map(({ addr }) => addr.port);
  for (const listener of listeners) listener.close();
  return ports;
}
