/** The cluster under test: its folder, its nodes as processes, its door. */

import { stringify } from "yaml";
import { newApiKey, sha256Of } from "../../gateway/keys.ts";
import { realEnv } from "../../runtime/env/real.ts";
import { NodeProcess, type ProcessPlan } from "./node_process.ts";
import { AGENTS, GATEWAY, type NodePlace, type NodeRole, type Places } from "./places.ts";

/** How long a node that is told to end may go on with what it does. */
const DRAIN = "5s";
const READY_POLL_MS = 200;
/** Jobs that an agent takes at a time: small, so that all of them have work. */
const SLOTS = 4;

/** See the head of this file. */
export class ChaosCluster {
  readonly folder: string;
  readonly places: Places;
  readonly nodes: readonly NodeProcess[];
  readonly key: string;
  /** Where all files are published. */
  readonly volume: string;

  constructor(folder: string, places: Places) {
    this.folder = folder;
    this.places = places;
    this.volume = `${folder}/volume`;
    const env = realEnv({ logLevel: "error" });
    this.key = newApiKey(env.random);
    const sha256 = sha256Of(env.hash, this.key);
    const token = newApiKey(env.random);
    env.close();
    for (const name of ["volume", "log", "config"]) Deno.mkdirSync(`${folder}/${name}`);
    const marker = JSON.stringify({ version: 1, id: "chaos" });
    Deno.writeTextFileSync(`${this.volume}/.quorus-volume`, `${marker}\n`);
    Deno.writeTextFileSync(`${folder}/config/token`, token, { mode: 0o600 });
    this.nodes = places.nodes.map((place) => {
      const plan = planOf(place, folder, this.volume, places);
      const settings = settingsOf(place, plan, places, sha256);
      Deno.writeTextFileSync(plan.config, stringify(settings), { mode: 0o600 });
      Deno.writeTextFileSync(plan.log, "");
      return new NodeProcess(plan);
    });
  }

  /** Of the API. */
  get url(): string {
    return `http://${this.node(GATEWAY).plan.place}`;
  }

  node(id: string): NodeProcess {
    return this.nodes.find((node) => node.id === id)!;
  }

  of(role: NodeRole): readonly NodeProcess[] {
    return this.nodes.filter((node) => node.role === role);
  }

  /** Starts all nodes and waits until every agent takes jobs. */
  async start(withinMs = 120_000): Promise<void> {
    for (const node of this.nodes) node.start();
    await Promise.all(this.nodes.map((node) => node.ready()));
    const endMs = performance.now() + withinMs;
    while (performance.now() < endMs) {
      if (await this.#isAssembled()) return;
      await new Promise((done) => setTimeout(done, READY_POLL_MS));
    }
    throw new Error(`the cluster did not assemble within ${withinMs} ms; logs: ${this.folder}/log`);
  }

  async #isAssembled(): Promise<boolean> {
    try {
      const response = await fetch(`${this.url}/v1/cluster`, {
        headers: { authorization: `Bearer ${this.key}` },
        signal: AbortSignal.timeout(2_000),
      });
      const { leader, agents } = await response.json();
      return typeof leader === "string" && agents.idle === AGENTS.length;
    } catch {
      return false;
    }
  }

  /** Ends all nodes in order: who takes requests first, who decides last. */
  async stop(): Promise<void> {
    for (const role of ["gateway", "agent", "controller"] as const) {
      await Promise.all(this.of(role).map((node) => node.end("SIGTERM")));
    }
  }

  /** Ends what still runs, at once. */
  async kill(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.end("SIGKILL")));
  }
}

function planOf(place: NodePlace, folder: string, volume: string, places: Places): ProcessPlan {
  const { id } = place;
  const config = `${folder}/config/${id}.yaml`;
  return {
    ...place,
    config,
    data: `${folder}/${id}`,
    log: `${folder}/log/${id}.log`,
    reads: [`${folder}/config`],
    net: places.nodes.flatMap((node) => node.place === null ? [] : [node.place]),
    volume,
  };
}

function settingsOf(
  { id, role, place }: NodePlace,
  plan: ProcessPlan,
  { nodes }: Places,
  sha256: string,
): Record<string, unknown> {
  const controllers = nodes.filter((node) => node.role === "controller");
  const others = nodes.filter((node) => node.role !== "controller");
  const common = {
    node: id,
    data: plan.data,
    drain: DRAIN,
    token: "${file:token}",
    allowPlain: true,
    controllers: Object.fromEntries(controllers.map((node) => [node.id, `ws://${node.place}`])),
  };
  switch (role) {
    case "controller":
      return {
        ...common,
        listen: place,
        roles: Object.fromEntries(others.map((node) => [node.id, [node.role]])),
        keys: [{ id: "admin", sha256, scope: "admin", label: "chaos" }],
      };
    case "agent":
      return { ...common, slots: SLOTS, volumes: [{ path: plan.volume }] };
    case "gateway":
      return { ...common, http: place, allowPlainHttp: true, allowLocal: true };
  }
}
