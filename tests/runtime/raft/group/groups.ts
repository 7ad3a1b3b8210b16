/** Groups of simulated machines that replicate the example's store. */

import { type Command, type Outcome, type Store, store } from "../../../../examples/13_kv/store.ts";
import { serveGroupMember } from "../../../../runtime/raft/engine_worker.ts";
import {
  type Group,
  type GroupOptions,
  joinGroup,
  type WorkerEngineOptions,
} from "../../../../runtime/raft/group.ts";
import type { Machine } from "../../../../runtime/raft/machine.ts";
import { type LinkedNode, startLinkedNode } from "../../../../runtime/remote/linked_node.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../../runtime/sim/env.ts";
import { World } from "../../../../runtime/sim/world.ts";

export type Kv = Group<Store, Command, Outcome>;

/** A member in its present life. */
export interface KvMember {
  readonly id: string;
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  readonly kv: Kv;
}

export interface KvOptions extends Partial<Omit<GroupOptions, "name" | "folder" | "engine">> {
  /** Core and log of each member are in a Worker; that of the whole group counts. */
  readonly inWorkers?: boolean;
  /** The program of a member; the example's store if left out. */
  readonly machine?: Machine<Store, Command, Outcome>;
}

/** Files that are quick to simulate. */
const SMALL = { segmentBytes: 256 * 1024, commandBytes: 64 * 1024, reserveBytes: 512 * 1024 };

const WORKER = "file:///raft_worker.ts";
const CREDENTIALS = { allowPlain: true, token: "correct horse battery staple" };

/** A group in a world of its own; everything is awaited in virtual time. */
export class KvGroup {
  readonly world: World;
  readonly members = new Map<string, KvMember>();

  private constructor(
    seed: number,
    readonly ids: readonly string[],
    readonly options: KvOptions,
  ) {
    this.world = new World(seed);
    this.world.workerModule(WORKER, (env) => void serveGroupMember(env));
  }

  /** Members by their ids, all started, one of them leading. */
  static async start(ids: readonly string[], options: KvOptions = {}, seed = 1): Promise<KvGroup> {
    const limits = { ...SMALL, ...options.limits };
    const group = new KvGroup(seed, ids, { members: ids, ...options, limits });
    for (const id of ids) await group.join(id, group.options);
    await group.leader();
    return group;
  }

  /** Starts a member, in a new life if it had one. */
  async join(id: string, options: KvOptions, env?: SimulatedEnv): Promise<KvMember> {
    const own = env ?? simulatedEnv({ seed: this.world.seed, world: this.world, name: id });
    const node = startLinkedNode(own, {
      id,
      roundTripMessages: true,
      onFatal: () => own.crash("process"),
      links: {
        listen: [{ hostname: id, port: 4100 }],
        peers: this.#others(id).map((other) => ({ node: other, url: `ws://${other}:4100` })),
        ...CREDENTIALS,
      },
    });
    const engine = this.options.inWorkers === true ? { engine: this.#engine(id) } : {};
    const joining = { name: "kv", folder: `/data/${id}`, limits: SMALL, ...options, ...engine };
    const kv = await this.world.complete(joinGroup(node, options.machine ?? store, joining));
    const member = { id, env: own, node, kv };
    this.members.set(id, member);
    return member;
  }

  #engine(id: string): WorkerEngineOptions {
    const others = this.#others(id);
    const peers = others.map((other) => ({ node: `${other}.raft`, url: `ws://${other}:4200` }));
    const links = { listen: [{ hostname: id, port: 4200 }], peers, ...CREDENTIALS };
    return { module: WORKER, links };
  }

  #others(id: string): string[] {
    return [...this.members.keys()].filter((other) => other !== id);
  }

  of(id: string): KvMember {
    return this.members.get(id)!;
  }

  /** Lets time pass until one member leads and says so. */
  async leader(): Promise<KvMember> {
    for (let waited = 0; waited < 10_000; waited += 10) {
      const leading = [...this.members.values()]
        .filter(({ env, kv }) => env.alive && kv.status().role === "leader")
        .sort((a, b) => b.kv.status().term - a.kv.status().term);
      if (leading[0] !== undefined) return leading[0];
      await this.world.pass(10);
    }
    throw new Error("nobody leads after ten seconds");
  }

  async follower(): Promise<KvMember> {
    const leader = await this.leader();
    return [...this.members.values()].find(({ id, env }) => id !== leader.id && env.alive)!;
  }

  /** Waits for `promise` in virtual time. */
  done<T>(promise: Promise<T>): Promise<T> {
    return this.world.complete(promise);
  }

  async put(member: KvMember, key: string, value: string) {
    return await this.done(member.kv.propose({ do: "put", key, value }));
  }

  async get(member: KvMember, key: string): Promise<string | undefined> {
    return await this.done(member.kv.read(({ items }) => items.get(key)?.value));
  }

  /** Ends the life of a member at once, and gives what its next life starts from. */
  crash(id: string, kind: "process" | "power" = "process"): () => Promise<KvMember> {
    const { env } = this.of(id);
    env.crash(kind);
    return () => this.join(id, this.options, env.restart());
  }

  async stop(): Promise<void> {
    for (const { env, node } of this.members.values()) if (env.alive) await this.done(node.stop());
  }
}
