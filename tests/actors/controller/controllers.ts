/** Controllers on simulated machines: their group, in a world of its own, awaited in virtual time. */

import type { State } from "../../../actors/controller/state.ts";
import { joinControllers, type Replica } from "../../../actors/controller/replica.ts";
import { serveGroupMember } from "../../../runtime/raft/engine_worker.ts";
import type { WorkerEngineOptions } from "../../../runtime/raft/group.ts";
import type { RaftLimits } from "../../../runtime/raft/limits.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { canonicalJson } from "../../../workflows/digest.ts";

/** A controller in its present life. */
export interface Member {
  readonly id: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  readonly replica: Replica;
}

/** Files that are quick to simulate. */
const SMALL = { segmentBytes: 256 * 1024, commandBytes: 64 * 1024, reserveBytes: 512 * 1024 };
const PORT = 4_100;
const WORKER_PORT = 4_200;
const WORKER = "file:///raft_worker.ts";
const CREDENTIALS = { allowPlain: true, token: "correct horse battery staple" };

/** What a group may be told. */
export interface GroupOptions {
  readonly seed?: number;
  readonly limits?: Partial<RaftLimits>;
  /** Core and log of each member are in a Worker. */
  readonly inWorkers?: boolean;
  /** Called for each life of a member, once its replica is there. */
  readonly begun?: (member: Member) => void | Promise<void>;
}

/** See the head of this file. */
export class Controllers {
  readonly world: World;
  readonly members = new Map<string, Member>();
  readonly #options: GroupOptions;

  private constructor(readonly ids: readonly string[], options: GroupOptions) {
    this.world = new World(options.seed ?? 1);
    this.world.workerModule(WORKER, (env) => void serveGroupMember(env));
    this.#options = options;
  }

  /** Controllers by their ids, all started, one of them leading. */
  static async start(
    ids: readonly string[] = ["a", "b", "c"],
    options: GroupOptions = {},
  ): Promise<Controllers> {
    const group = new Controllers(ids, options);
    for (const id of ids) await group.#join(id);
    await group.leader();
    return group;
  }

  of(id: string): Member {
    return this.members.get(id)!;
  }

  get living(): Member[] {
    return [...this.members.values()].filter(({ env }) => env.alive);
  }

  /** Lets time pass until one member leads and says so. */
  async leader(): Promise<Member> {
    let leading: Member | undefined;
    await this.until("somebody leads", () => {
      leading = this.living.filter(({ replica }) => replica.isLeader)
        .sort((a, b) => b.replica.term - a.replica.term)[0];
      return leading !== undefined;
    });
    return leading!;
  }

  async follower(): Promise<Member> {
    const leader = await this.leader();
    return this.living.find(({ id }) => id !== leader.id)!;
  }

  /** Waits for `promise` in virtual time. */
  done<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise);
  }

  /** Lets time pass until `holds`. */
  async until(what: string, holds: () => boolean, withinMs = 20_000): Promise<void> {
    for (let waitedMs = 0; !holds(); waitedMs += 10) {
      if (waitedMs > withinMs) throw new Error(`in vain: ${what}`);
      await this.world.pass(10);
    }
  }

  /** Lets time pass until all who live have applied what anybody has. */
  async level(): Promise<void> {
    await this.leader();
    await this.until("all have applied the same", () => {
      const indexes = this.living.map(({ replica }) => replica.raft.status().applied);
      const last = Math.max(...this.living.map(({ replica }) => replica.raft.status().lastIndex));
      return indexes.every((index) => index === last);
    });
  }

  /** Ends the life of a member at once, and gives what its next life starts from. */
  crash(id: string, kind: "process" | "power" = "process"): () => Promise<Member> {
    const { env } = this.of(id);
    env.crash(kind);
    return () => this.#join(id, env.restart());
  }

  /** Starts a member that waits to be added. */
  newcomer(id: string): Promise<Member> {
    return this.#join(id);
  }

  async stop(): Promise<void> {
    for (const { env, node } of this.members.values()) if (env.alive) await this.done(node.stop());
  }

  async #join(id: string, env?: SimulatedEnv): Promise<Member> {
    const own = env ?? simulatedEnv({ seed: this.world.seed, world: this.world, name: id });
    const others = [...this.members.keys()].filter((other) => other !== id);
    const node = startLinkedNode(own, {
      id,
      roundTripMessages: true,
      onFatal: () => own.crash("process"),
      links: {
        listen: [{ hostname: id, port: PORT }],
        peers: others.map((other) => ({ node: other, url: `ws://${other}:${PORT}` })),
        ...CREDENTIALS,
      },
    });
    const replica = await this.done(joinControllers(node, {
      folder: `/data/${id}`,
      ...(this.ids.includes(id) ? { members: this.ids } : {}),
      limits: { ...SMALL, ...this.#options.limits },
      ...(this.#options.inWorkers === true ? { engine: engineOf(id, others) } : {}),
    }));
    const member = { id, env: own, node, replica };
    this.members.set(id, member);
    await this.#options.begun?.(member);
    return member;
  }
}

function engineOf(id: string, others: readonly string[]): WorkerEngineOptions {
  const peers = others.map((other) => ({
    node: `${other}.raft`,
    url: `ws://${other}:${WORKER_PORT}`,
  }));
  const listen = [{ hostname: id, port: WORKER_PORT }];
  return { module: WORKER, links: { listen, peers, ...CREDENTIALS } };
}

/** A state as a text: equal states have equal ones. */
export function textOf(state: State): string {
  return canonicalJson(plain(state));
}

function plain(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(plain);
  const isMap = Symbol.iterator in value;
  const entries = isMap ? [...value as Iterable<[string, unknown]>] : Object.entries(value);
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}
