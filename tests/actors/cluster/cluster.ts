/** A cluster of simulated machines: controllers, and nodes that speak to them; awaited in virtual time. */

import { type AgentRole, startAgent } from "../../../actors/agent/start.ts";
import { admission } from "../../../actors/admission.ts";
import { serveAttempts } from "../../../actors/agent/workers/serve.ts";
import { followControllers } from "../../../actors/directory/follower.ts";
import { Desk, DESK_PATH, type Principal } from "../../../actors/desk/messages.ts";
import { Fleet, FLEET_PATH } from "../../../actors/fleet/messages.ts";
import { configuredRoles, type Role, type RoleBook } from "../../../actors/roles.ts";
import {
  type ControllerOptions,
  type ControllerRole,
  startController,
} from "../../../actors/tree.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { MemoryStore, type MemoryStoreOptions } from "../../../protocols/memory/store.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import type { Ref } from "../../../runtime/actor/ref.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { farProtocol } from "./far_protocol.ts";

const PORT = 4_100;
const RAFT = { segmentBytes: 256 * 1024, commandBytes: 64 * 1024, reserveBytes: 512 * 1024 };

/** One node in its present life. */
export interface Life {
  readonly id: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
}

/** A controller in its present life. */
export interface ControllerLife extends Life {
  readonly role: ControllerRole;
}

/** An agent in its present life. */
export interface AgentLife extends Life {
  readonly role: AgentRole;
}

/** How a cluster is made. */
export interface ClusterOptions {
  readonly seed?: number;
  readonly controllers?: readonly string[];
  readonly limits?: ControllerOptions["limits"];
  readonly bootstrapKeys?: ControllerOptions["bootstrapKeys"];
  readonly store?: MemoryStoreOptions;
  /** Controllers that help to elect, and keep nothing. */
  readonly witnesses?: readonly string[];
  /** Workers of each agent: simulated threads of its machine. */
  readonly workers?: number;
  /** What single agents are, by their ids. */
  readonly agents?: Readonly<Record<string, AgentKind>>;
}

/** What an agent speaks: `memory`, and `far`, which is the same store under another scheme. */
export interface AgentKind {
  readonly speaks?: readonly ("memory" | "far")[];
  /** It accepts links of other agents. */
  readonly listens?: boolean;
}

/** Jobs that an agent takes at a time. */
const SLOTS = 4;
/** Small enough that files of some kilobytes have many chunks. */
const AGENT_LIMITS = {
  slotBytes: 1_024,
  poolBytes: 64 * 1_024,
  checkpointBytes: 8_192,
  chunksAhead: 2,
  progressMs: 100,
  workerPoolBytes: 4_096,
  relayPieceBytes: 1_024,
  relayWindowBytes: 4_096,
};

/** Somebody who may do everything. */
export const ADMIN: Principal = { keyId: "admin", scope: "admin", tenants: null };

/** See the head of this file. */
export class SimulatedCluster {
  readonly world: World;
  readonly controllers = new Map<string, ControllerLife>();
  readonly others = new Map<string, Life>();
  readonly agents = new Map<string, AgentLife>();
  /** Every Worker that agents have started, the dead ones too, in order. */
  readonly workers: SimulatedEnv[] = [];
  /** Where all transfers read from and write to. */
  readonly store: MemoryStore;
  readonly #roles = new Map<string, readonly Role[]>();
  readonly #options: ClusterOptions;

  private constructor(readonly ids: readonly string[], options: ClusterOptions) {
    this.world = new World(options.seed ?? 1);
    this.#options = options;
    for (const id of ids) this.#roles.set(id, ["controller"]);
    const { seed } = this.world;
    const env = simulatedEnv({ seed, world: this.world, name: "store" });
    this.store = new MemoryStore(env, options.store);
    this.world.workerModule(ATTEMPTS, (env) => {
      this.workers.push(env);
      void serveAttempts(env, () => ({ protocols: this.#protocols(), secrets: SECRETS }));
    });
  }

  /** All controllers started, one of them leading and at work. */
  static async start(options: ClusterOptions = {}): Promise<SimulatedCluster> {
    const cluster = new SimulatedCluster(options.controllers ?? ["c1", "c2", "c3"], options);
    for (const id of cluster.ids) await cluster.#startController(id);
    await cluster.leader();
    return cluster;
  }

  get book(): RoleBook {
    return configuredRoles(this.#roles);
  }

  get living(): ControllerLife[] {
    return [...this.controllers.values()].filter(({ env }) => env.alive);
  }

  /** Lets time pass until a controller leads and its part is at work. */
  async leader(): Promise<ControllerLife> {
    let leading: ControllerLife | undefined;
    await this.until("somebody leads", () => {
      leading = this.living.filter(({ role }) => role.replica.isLeader)
        .sort((a, b) => b.role.replica.term - a.role.replica.term)[0];
      if (leading === undefined) return false;
      const part = `leadership/controller-${leading.role.replica.term}`;
      return leading.node.inspect().some(({ children }) =>
        children.some(({ address }) => address.endsWith(part))
      );
    });
    return leading!;
  }

  async follower(): Promise<ControllerLife> {
    const leader = await this.leader();
    return this.living.find(({ id }) => id !== leader.id)!;
  }

  /** A node that dials all controllers and has these roles. */
  async join(id: string, roles: readonly Role[]): Promise<Life> {
    this.#roles.set(id, roles);
    const env = simulatedEnv({ seed: this.world.seed, world: this.world, name: id });
    const life = { id, env, node: this.#node(id, env, []) };
    this.others.set(id, life);
    await this.linked(life);
    return life;
  }

  /** An agent that speaks `memory`, in a life of its own; resolves when the cluster counts on it. */
  async agent(id: string, again?: SimulatedEnv): Promise<AgentLife> {
    this.#roles.set(id, ["agent"]);
    const env = again ?? simulatedEnv({ seed: this.world.seed, world: this.world, name: id });
    const { workers = 0, agents: { [id]: kind = {} } = {} } = this.#options;
    const node = this.#node(id, env, [], kind.listens ? [{ hostname: id, port: PORT }] : []);
    const known = followControllers(node, addressesOf(this.ids));
    await this.done(node.links.ready);
    const role = await this.done(startAgent(node, {
      controllers: () => known.ids,
      version: "1.0.0",
      maxConcurrentTransfers: SLOTS,
      folder: "/agent",
      protocols: this.#protocols(kind.speaks),
      secrets: SECRETS,
      limits: AGENT_LIMITS,
      ...(workers === 0 ? {} : { workers: { count: workers, module: ATTEMPTS, own: null } }),
    }));
    const life = { id, env, node, role };
    this.agents.set(id, life);
    const { role: { replica } } = await this.leader();
    await this.until(
      `${id} is registered`,
      () => replica.state.agents.get(id)?.status === "active",
    );
    return life;
  }

  /** A controller that waits to be added: it dials the others, who do not know it. */
  async newcomer(id: string): Promise<ControllerLife> {
    this.#roles.set(id, ["controller"]);
    const life = await this.#startController(id);
    await this.linked(life);
    return life;
  }

  /** Lets time pass until a node is linked with all living controllers. */
  linked({ node }: Life): Promise<void> {
    return this.until(`${node.id} is linked`, () => {
      const up = new Set(
        node.links.peers().filter(({ state }) => state === "up").map((peer) => peer.node),
      );
      return this.living.every(({ id }) => id === node.id || up.has(id));
    });
  }

  /** The desk of a controller, as `life` reaches it. */
  desk({ node }: Life, controller: string): Ref<typeof Desk> {
    return node.ref(Desk, `quorus://${controller}/${DESK_PATH}`);
  }

  /** The fleet door of a controller, as `life` reaches it. */
  fleet({ node }: Life, controller: string): Ref<typeof Fleet> {
    return node.ref(Fleet, `quorus://${controller}/${FLEET_PATH}`);
  }

  /** Waits for `promise` in virtual time. */
  done<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise);
  }

  /** Lets time pass until `holds`. */
  async until(what: string, holds: () => boolean, withinMs = 30_000): Promise<void> {
    for (let waitedMs = 0; !holds(); waitedMs += 10) {
      if (waitedMs > withinMs) throw new Error(`in vain: ${what}`);
      await this.world.pass(10);
    }
  }

  /** Ends the life of a controller at once, and gives what starts its next one. */
  crash(id: string, kind: "process" | "power" = "process"): () => Promise<ControllerLife> {
    const { env } = this.controllers.get(id)!;
    env.crash(kind);
    return () => this.#startController(id, env.restart());
  }

  async stop(): Promise<void> {
    for (const { env, role } of this.agents.values()) if (env.alive) await this.done(role.stop());
    const lives = [
      ...this.agents.values(),
      ...this.others.values(),
      ...this.controllers.values(),
    ];
    for (const { env, node } of lives) if (env.alive) await this.done(node.stop({ withinMs: 0 }));
  }

  #protocols(speaks: AgentKind["speaks"] = ["memory"]) {
    const memory = memoryProtocol(this.store);
    const spoken = { memory, far: farProtocol(memory) };
    return protocolRegistry(speaks.map((name) => spoken[name]));
  }

  async #startController(id: string, again?: SimulatedEnv): Promise<ControllerLife> {
    const env = again ?? simulatedEnv({ seed: this.world.seed, world: this.world, name: id });
    const node = this.#node(id, env, [{ hostname: id, port: PORT }]);
    const { limits, bootstrapKeys = [], witnesses = [] } = this.#options;
    const role = await this.done(startController(node, {
      folder: "/controllers",
      controllers: [...new Set([...this.ids, id])].map((other) => ({
        node: other,
        url: urlOf(other),
      })),
      members: this.ids.map((one) => ({ id: one, witness: witnesses.includes(one) })),
      join: !this.ids.includes(id),
      bootstrapKeys,
      limits: { ...limits, raft: { ...RAFT, ...limits?.raft } },
    }));
    const life = { id, env, node, role };
    this.controllers.set(id, life);
    return life;
  }

  #node(
    id: string,
    env: SimulatedEnv,
    listen: { hostname: string; port: number }[],
    others: typeof listen = [],
  ): LinkedNode {
    const isNew = listen.length > 0 && !this.ids.includes(id);
    const known = isNew ? [...this.controllers.keys()].filter((other) => other !== id) : this.ids;
    const dialled = known.filter((other) => isNew || listen.length === 0 || other < id);
    return startLinkedNode(env, {
      id,
      roundTripMessages: true,
      admit: (head) => admission(this.book, ownWorkers(id))(head),
      onFatal: () => env.crash("process"),
      links: {
        listen: [...listen, ...others],
        token: "a token of the simulation",
        allowPlain: true,
        peers: dialled.map((other) => ({ node: other, url: urlOf(other) })),
      },
    });
  }
}

function urlOf(controller: string): string {
  return `ws://${controller}:${PORT}`;
}

function addressesOf(ids: readonly string[]): Record<string, string> {
  return Object.fromEntries(ids.map((id) => [id, urlOf(id)]));
}

/** The nodes of a node's own threads. */
function ownWorkers(id: string): { has(node: string): boolean } {
  return { has: (node) => node.startsWith(`${id}.w`) };
}

/** What a Worker of an agent runs. */
const ATTEMPTS = "file:///attempts.ts";
const SECRETS = { secret: noSecret, env: noSecret, file: noSecret };

function noSecret(name: string): Promise<string> {
  return Promise.reject(new Error(`no ${name} in a simulation`));
}
