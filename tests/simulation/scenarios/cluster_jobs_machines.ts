/** Controllers, agents and gateways on simulated machines; each life of a process joins anew. */

import { admission } from "../../../actors/admission.ts";
import { type AgentRole, startAgent } from "../../../actors/agent/start.ts";
import { serveAttempts } from "../../../actors/agent/workers/serve.ts";
import { configuredRoles, type Role } from "../../../actors/roles.ts";
import {
  type ControllerOptions,
  type ControllerRole,
  startController,
} from "../../../actors/tree.ts";
import type { TransferProtocol } from "../../../protocols/contract.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { errorData } from "../../../runtime/base/errors.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import type { SimulatedEnv } from "../../../runtime/sim/env.ts";
import type { Simulation } from "../../../runtime/sim/simulation.ts";
import { farProtocol } from "../../actors/cluster/far_protocol.ts";
import { MoodyStore } from "./cluster_jobs_store.ts";
import { pick } from "./remote_mesh.ts";

const PORT = 4_100;
const TOKEN = "a token of the simulation";
const RAFT = { segmentBytes: 128 * 1024, commandBytes: 64 * 1024, reserveBytes: 256 * 1024 };
/** Files of some kilobytes have many chunks and checkpoints. */
const AGENT = {
  slotBytes: 1_024,
  poolBytes: 64 * 1_024,
  checkpointBytes: 8_192,
  chunksAhead: 2,
  progressMs: 500,
  replicateMs: 200,
  workerPoolBytes: 4_096,
  relayPieceBytes: 1_024,
  relayWindowBytes: 4_096,
};
/** What a Worker of an agent runs. */
const ATTEMPTS = "file:///attempts.ts";
/** One in so many Workers ends by a bug of its own, while faults happen. */
const DYING_WORKERS = 0.3;
const DYING_MS = 40_000;

/** Machines by what they are; the last controller is a spare that somebody may add. */
export const CONTROLLERS = ["c1", "c2", "c3", "c4"];
export const SPARE = "c4";
export const AGENTS = ["a1", "a2", "a3"];
/** Where no agent reaches both ends, the one that reads. */
const READER = "a1";
export const GATEWAYS = ["g1", "g2"];
/** Jobs that an agent takes at a time. */
export const SLOTS = 3;

/** One life of a node; the role is null until it is open. */
export interface Life<R> {
  readonly name: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  role: R | null;
}

/** Stands between a process and the store. */
type Around = (protocol: TransferProtocol, env: SimulatedEnv) => TransferProtocol;

/** See the head of this file. */
export class Machines {
  /** Where all transfers read from and write to. */
  readonly store: MoodyStore;
  readonly controllers = new Map<string, Life<ControllerRole>>();
  readonly agents = new Map<string, Life<AgentRole>>();
  readonly #gateways = new Map<string, Life<null>>();
  readonly #sim: Simulation;
  readonly #around: Around;
  readonly #limits: ControllerOptions["limits"];
  /** Threads of each agent that carry long files out; 0: it does all itself. */
  readonly #workers: number;
  /** No agent reaches both ends: one of them reads `far:` for the others. One seed of five. */
  readonly isParted: boolean;
  /** Machines on which nothing is to run: a spare, before it is wanted, and who has left. */
  readonly #idle = new Set([SPARE]);
  readonly #book = configuredRoles(
    new Map<string, readonly Role[]>([
      ...CONTROLLERS.map((name) => [name, ["controller"]] as const),
      ...AGENTS.map((name) => [name, ["agent"]] as const),
      ...GATEWAYS.map((name) => [name, ["gateway"]] as const),
    ]),
  );

  constructor(
    sim: Simulation,
    begun: (life: Life<ControllerRole>) => void,
    around: Around = (protocol) => protocol,
  ) {
    this.#sim = sim;
    this.#around = around;
    this.store = new MoodyStore(sim);
    this.#limits = drawLimits(sim);
    this.isParted = sim.seed % 5 === 4;
    this.#workers = sim.random("workers").chance(0.5) ? 2 : 0;
    let started = 0;
    sim.world.workerModule(ATTEMPTS, (env) => this.#worker(env, started += 1));
    for (const name of CONTROLLERS) {
      sim.cluster.start(name, (env) => this.#controller(env, name, begun));
    }
    for (const name of AGENTS) sim.cluster.start(name, (env) => this.#agent(env, name));
    for (const name of GATEWAYS) {
      sim.cluster.start(name, (env) => {
        this.#gateways.set(name, { name, env, node: this.#node(env, name), role: null });
      });
    }
  }

  /** Controllers whose disks are open. */
  get open(): readonly Life<ControllerRole>[] {
    return [...this.controllers.values()].filter(({ env, role }) => env.alive && role !== null);
  }

  /** A gateway's node, `null` while it is down. */
  door(gateway: string): LinkedNode | null {
    const life = this.#gateways.get(gateway);
    return life?.env.alive === true ? life.node : null;
  }

  /** Who leads in the latest term, as it says itself. */
  leader(): Life<ControllerRole> | null {
    const leading = this.open.filter(({ role }) => role!.replica.isLeader);
    return leading.sort((a, b) => b.role!.replica.term - a.role!.replica.term)[0] ?? null;
  }

  /** Whether a controller is to run on a machine. */
  isThere(name: string): boolean {
    return !this.#idle.has(name);
  }

  /** From now on a process runs on that machine. */
  use(name: string): void {
    this.#idle.delete(name);
    this.restart(name);
  }

  /** From now on none does. */
  retire(name: string): void {
    this.#idle.add(name);
    this.restart(name);
  }

  /** Ends a process, and starts the next one. */
  restart(name: string): void {
    this.#sim.cluster.crash(name);
    this.#sim.cluster.restartSoon(name);
  }

  /** Ends every node. */
  async stop(): Promise<void> {
    for (const { env, role } of this.agents.values()) {
      if (env.alive) await this.#sim.complete(role?.stop() ?? Promise.resolve());
    }
    const lives = [
      ...this.agents.values(),
      ...this.controllers.values(),
      ...this.#gateways.values(),
    ];
    for (const { env, node } of lives) {
      if (env.alive) await this.#sim.complete(node.stop({ withinMs: 0 }));
    }
  }

  async #controller(
    env: SimulatedEnv,
    name: string,
    begun: (life: Life<ControllerRole>) => void,
  ): Promise<void> {
    if (this.#idle.has(name)) return;
    const life: Life<ControllerRole> = { name, env, node: this.#node(env, name), role: null };
    this.controllers.set(name, life);
    try {
      life.role = await startController(life.node, {
        folder: "/controllers",
        controllers: CONTROLLERS.map((node) => ({ node })),
        members: CONTROLLERS.filter((one) => one !== SPARE),
        join: name === SPARE,
        bootstrapKeys: [],
        ...(this.#limits === undefined ? {} : { limits: this.#limits }),
        onFailed: (error) => {
          this.#sim.sometimes("the disk of a controller fails", error.code === "DiskFailed");
          this.#again(env, name);
        },
      });
      begun(life);
    } catch (error) {
      this.#failed(env, name, error);
    }
  }

  async #agent(env: SimulatedEnv, name: string): Promise<void> {
    const life: Life<AgentRole> = { name, env, node: this.#node(env, name), role: null };
    this.agents.set(name, life);
    const count = this.#workers;
    try {
      life.role = await startAgent(life.node, {
        controllers: CONTROLLERS,
        version: "1.0.0",
        maxConcurrentTransfers: SLOTS,
        folder: "/agent",
        ...this.#tools(env, name),
        limits: AGENT,
        ...(count === 0 ? {} : { workers: { count, module: ATTEMPTS, own: null } }),
      });
    } catch (error) {
      this.#failed(env, name, error);
    }
  }

  #tools(env: SimulatedEnv, agent?: string) {
    const none = (what: string) => Promise.reject(new Error(`no ${what} in a simulation`));
    const memory = this.#around(memoryProtocol(this.store), env);
    const isFar = this.isParted && agent === READER;
    return {
      protocols: protocolRegistry([isFar ? farProtocol(memory) : memory]),
      secrets: { secret: none, env: none, file: none },
    };
  }

  /** A thread of an agent; some end before their time. */
  #worker(env: SimulatedEnv, number: number): void {
    this.#sim.sometimes("an agent has Workers");
    void serveAttempts(env, () => this.#tools(env));
    const random = this.#sim.random(`worker ${number}`);
    if (!random.chance(DYING_WORKERS)) return;
    env.timers.after(random.next() * DYING_MS, () => {
      if (this.#sim.isOver) return;
      this.#sim.sometimes("a Worker ends by itself");
      env.crash("process");
    });
  }

  /** A process that cannot start ends; init starts it again. */
  #failed(env: SimulatedEnv, name: string, error: unknown): void {
    if (!env.alive) return;
    this.#sim.check(
      "a process that cannot start says why",
      errorData(error).code,
      `${name}: ${error}`,
    );
    this.#again(env, name);
  }

  #again(env: SimulatedEnv, name: string): void {
    env.crash("process");
    this.#sim.cluster.restartSoon(name);
  }

  #node(env: SimulatedEnv, name: string): LinkedNode {
    const isController = CONTROLLERS.includes(name);
    const dialled = CONTROLLERS.filter((other) => !isController || other < name);
    return startLinkedNode(env, {
      id: name,
      roundTripMessages: this.#sim.seed % 2 === 0,
      admit: admission(this.#book, { has: (node) => node.startsWith(`${name}.w`) }),
      onFatal: () => this.#again(env, name),
      links: {
        listen: isController || (this.isParted && AGENTS.includes(name))
          ? [{ hostname: name, port: PORT }]
          : [],
        token: TOKEN,
        allowPlain: true,
        peers: dialled.map((other) => ({ node: other, url: `ws://${other}:${PORT}` })),
      },
    });
  }
}

/** Longer than anybody stands still; and what is owed is looked for twice before it is archived. */
const FLEET = {
  sweepKeepMs: 2_000,
  sweepAgainMs: 25_000,
  sweepMs: 5_000,
  sweepPauseMostMs: 10_000,
};
const OWING_MS = 120_000;

/** Logs are cut soon, and in some seeds ended runs leave the state while others are under way. */
function drawLimits(sim: Simulation): NonNullable<ControllerOptions["limits"]> {
  const random = sim.random("limits");
  const [snapshotEntries, keepEntries] = pick(random, [[30, 8], [200, 50]] as const);
  const raft = { ...RAFT, snapshotEntries, keepEntries };
  if (random.chance(0.5)) return { raft, fleet: FLEET };
  const archive = { archiveAfterMs: 4_000, archiveRestMs: 1_000, archiveOwingMs: OWING_MS };
  return { raft, fleet: FLEET, archive };
}
