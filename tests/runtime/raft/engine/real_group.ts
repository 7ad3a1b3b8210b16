/** Groups of real nodes in one process, with core and log in real Workers, on loopback. */

import { freePorts } from "../../../real/free_ports.ts";
import { type Command, type Outcome, type Store, store } from "../../../../examples/13_kv/store.ts";
import {
  type Group,
  type GroupOptions,
  joinGroup,
  type LinkedNode,
  startNode,
} from "../../../../mod.ts";

const MODULE = new URL("./worker.ts", import.meta.url).href;
/** Wide enough for a machine that others use too. */
const SLOW = { heartbeatMs: 100, electionMs: 400 };
const LEAD_WITHIN_MS = 10_000;

export type Kv = Group<Store, Command, Outcome>;

/** A member in its present life. */
export interface RealMember {
  readonly id: string;
  readonly node: LinkedNode;
  readonly kv: Kv;
  /** Why it has failed. */
  readonly failed: Promise<Error>;
}

type Limits = NonNullable<GroupOptions["limits"]>;

/** See the head of this file. */
export class RealGroup {
  readonly members = new Map<string, RealMember>();
  readonly #ports: ReadonlyMap<string, readonly [node: number, worker: number]>;

  private constructor(readonly ids: readonly string[], readonly folder: string) {
    const ports = freePorts(2 * ids.length);
    this.#ports = new Map(ids.map((id, at) => [id, [ports[2 * at]!, ports[2 * at + 1]!]]));
  }

  /** Runs `body` on a group of which one member leads, and ends everything. */
  static async run(
    ids: readonly string[],
    body: (group: RealGroup) => Promise<void>,
    limitsOf: (id: string) => Limits = () => ({}),
  ): Promise<void> {
    const group = new RealGroup(ids, await Deno.makeTempDir({ prefix: "quorus-engine-" }));
    try {
      // The first start checks the types of the module, and the others find that done.
      for (const id of ids) await group.join(id, limitsOf(id));
      await group.leader();
      await body(group);
    } finally {
      await Promise.all([...group.members.values()].map(({ node }) => node.stop()));
      await Deno.remove(group.folder, { recursive: true });
    }
  }

  /** Starts a member on the folder that it had. */
  async join(id: string, limits: Limits = {}, name = "kv"): Promise<RealMember> {
    const failed = Promise.withResolvers<Error>();
    const node = startNode({ id, log: { write: () => {} }, links: this.#links(id, 0) });
    try {
      const kv = await joinGroup(node, store, {
        name,
        folder: `${this.folder}/${id}`,
        members: this.ids,
        limits: { ...SLOW, ...limits },
        onFailed: failed.resolve,
        engine: { module: MODULE, links: this.#links(id, 1) },
      });
      const member = { id, node, kv, failed: failed.promise };
      this.members.set(id, member);
      return member;
    } catch (error) {
      await node.stop();
      throw error;
    }
  }

  of(id: string): RealMember {
    return this.members.get(id)!;
  }

  async leader(): Promise<RealMember> {
    const untilMs = performance.now() + LEAD_WITHIN_MS;
    while (performance.now() < untilMs) {
      const leads = [...this.members.values()]
        .filter(({ kv }) => kv.status().role === "leader")
        .sort((one, other) => other.kv.status().term - one.kv.status().term)[0];
      if (leads !== undefined) return leads;
      await turn();
    }
    throw new Error(`nobody leads within ${LEAD_WITHIN_MS} ms`);
  }

  async follower(): Promise<RealMember> {
    const leader = await this.leader();
    return [...this.members.values()].find(({ id }) => id !== leader.id)!;
  }

  #links(id: string, which: 0 | 1) {
    const port = (member: string) => this.#ports.get(member)![which];
    const nodeId = (member: string) => which === 0 ? member : `${member}.raft`;
    return {
      listen: [{ hostname: "127.0.0.1", port: port(id) }],
      peers: this.ids.filter((other) => other !== id)
        .map((other) => ({ node: nodeId(other), url: `ws://127.0.0.1:${port(other)}` })),
    };
  }
}

/** Lets the event loop turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 10));
}

/** Keeps this thread from doing anything else. */
export function block(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}
