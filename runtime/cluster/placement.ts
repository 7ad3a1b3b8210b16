/**
 * Entities that live once in the cluster: singletons and keys. One decision maker grants them to nodes;
 * the node that holds one runs its actor. `DESIGN.md` says why it never lives twice.
 */

import { checkName } from "../actor/address.ts";
import { ACTOR_LIMITS } from "../actor/limits.ts";
import type { Protocol } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import {
  type Authority,
  authority as authorityActor,
  authorityAddress,
  memoryAuthority,
} from "./authority.ts";
import type { Cluster } from "./cluster.ts";
import { ClusterError } from "./errors.ts";
import { keeper } from "./keeper.ts";
import type { Kind } from "./kind.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import type { MemberStatus } from "./membership.ts";
import type { Life, Report } from "./placement_machine.ts";
import {
  AUTHORITY_PATH,
  AuthorityProtocol,
  entityAddress,
  KEEPER_PATH,
  type Verdict,
} from "./placement_messages.ts";

/** How a node takes part in placement. */
export interface PlacementOptions {
  /** What this node can hold. */
  readonly kinds: readonly Kind[];
  /** The node that decides; a function where that changes. */
  readonly authority: string | (() => string | null);
  /** This node decides, in memory (`true`) or with what is given. */
  readonly decides?: boolean | Authority;
  /** See `AuthorityArgs`; true unless said otherwise. */
  readonly newLifeEndsOld?: boolean;
  /** An entity waits until somebody says that its holder is fenced; on the node that decides. */
  readonly onNeedsFence?: (held: Report) => void;
  readonly limits?: Partial<ClusterLimits>;
}

/** Where an entity is: on its way to the node, there, or about to end there. */
export interface Location extends Report {
  readonly phase: "granted" | "held" | "revoking";
}

/**
 * Entities of the cluster. Calls ask the deciding node, and reject with ClusterError `NoAuthority` if
 * there is none, `NotPlaced` if it refuses, or the ActorError of the ask.
 */
export interface Placement {
  /** Wants the entity from now on, on some node that knows its kind. Idempotent. */
  place(kind: Kind, key: string): Promise<void>;
  /** Ends the entity. Idempotent. */
  remove(kind: Kind, key: string): Promise<void>;
  /** Ends it where it is, and starts it on `to` if that can hold it. */
  move(kind: Kind, key: string, to?: string): Promise<void>;
  /** Moves everything off a node and grants it nothing more, or takes that back. */
  drain(node: string, isDraining?: boolean): Promise<void>;
  /** That life of a node can do no harm any more: its process has ended, or its tokens are refused. */
  fence(life: Life): Promise<void>;
  /** Where the entity is; `null` if nowhere. */
  where(kind: Kind, key: string): Promise<Location | null>;
  /** The entity's actor; `null` while no node is known to hold it. It may have moved when it is used. */
  find<P extends Protocol>(kind: Kind<P>, key: string): Promise<Ref<P> | null>;
}

const LOST: ReadonlySet<MemberStatus> = new Set<MemberStatus>(["unreachable", "quarantined"]);

/**
 * Lets a node hold entities, and decide about them if it is told to.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, ask, joinCluster, joinPlacement, kind, protocol, startNode } from "@quorus/quorus";
 *
 * const Counter = protocol("demo.counter", { version: 1, messages: {
 *   next: ask(z.object({}), z.number()),
 * } });
 * const counter = actor(Counter, {
 *   state: (args: { key: string; token: number }) => ({ ...args, count: 0 }),
 *   on: { next: (state) => state.count += 1 },
 * });
 * const Counters = kind("counter", counter);
 *
 * const node = startNode({ id: "a", logLevel: "error" });
 * const cluster = joinCluster(node, { members: [{ node: "a" }] });
 * const placement = joinPlacement(cluster, { kinds: [Counters], authority: "a", decides: true });
 * await placement.place(Counters, "orders");
 * let orders = await placement.find(Counters, "orders");
 * while (orders === null) orders = await placement.find(Counters, "orders"); // it is on its way
 * console.assert(await orders.ask("next", {}) === 1);
 * await node.stop();
 * ```
 */
export function joinPlacement(cluster: Cluster, options: PlacementOptions): Placement {
  const { node } = cluster;
  const limits = clusterLimits(options.limits);
  const { authority: named } = options;
  const authority = typeof named === "string" ? () => named : named;
  if (options.decides !== undefined && options.decides !== false) {
    startAuthority(cluster, options, limits);
  }
  const { kinds } = options;
  node.spawn(keeper, {
    name: KEEPER_PATH,
    restart: "permanent",
    args: { node: node.id, kinds, limits, authority },
  });
  return new Placed(cluster, authority);
}

function startAuthority(
  cluster: Cluster,
  { decides, newLifeEndsOld = true, onNeedsFence = () => {} }: PlacementOptions,
  limits: ClusterLimits,
): void {
  const { node } = cluster;
  const authority = typeof decides === "object" ? decides : memoryAuthority(node.env.clock, limits);
  const ref = node.spawn(authorityActor, {
    name: AUTHORITY_PATH,
    restart: "permanent",
    args: { authority, limits, newLifeEndsOld, onNeedsFence },
  });
  cluster.subscribe(({ kind, member }) => {
    if (kind === "left" || LOST.has(member.status)) ref.tell("lost", { node: member.node });
  });
}

class Placed implements Placement {
  readonly #cluster: Cluster;
  readonly #authority: () => string | null;

  constructor(cluster: Cluster, authority: () => string | null) {
    this.#cluster = cluster;
    this.#authority = authority;
  }

  place(kind: Kind, key: string): Promise<void> {
    return this.#agree((ref) => ref.ask("place", { kind: kind.name, id: idOf(kind, key) }));
  }
  remove(kind: Kind, key: string): Promise<void> {
    return this.#agree((ref) => ref.ask("remove", { id: idOf(kind, key) }));
  }
  move(kind: Kind, key: string, to?: string): Promise<void> {
    return this.#agree((ref) => ref.ask("move", { id: idOf(kind, key), to: to ?? null }));
  }
  drain(node: string, isDraining = true): Promise<void> {
    return this.#agree((ref) => ref.ask("drain", { node, isDraining }));
  }
  fence({ node, life }: Life): Promise<void> {
    return this.#agree((ref) => ref.ask("fenced", { node, life }));
  }
  async where(kind: Kind, key: string): Promise<Location | null> {
    return await this.#ref().ask("locate", { id: idOf(kind, key) });
  }

  async find<P extends Protocol>(kind: Kind<P>, key: string): Promise<Ref<P> | null> {
    const location = await this.where(kind as unknown as Kind, key);
    if (location?.phase !== "held") return null;
    return this.#cluster.node.ref(kind.protocol, entityAddress(location.node, location.id));
  }

  async #agree(
    ask: (ref: Ref<typeof AuthorityProtocol>) => Promise<Verdict>,
  ): Promise<void> {
    const { accepted, reason } = await ask(this.#ref());
    if (!accepted) throw new ClusterError("NotPlaced", reason);
  }

  #ref(): Ref<typeof AuthorityProtocol> {
    const node = this.#authority();
    if (node !== null) return this.#cluster.node.ref(AuthorityProtocol, authorityAddress(node));
    const advice = "no node is known to decide; try again when there is one";
    throw new ClusterError("NoAuthority", `place entities: ${advice}`, { retryable: true });
  }
}

/** ActorError `BadName` for a key that could not stand in an address. */
function idOf(kind: Kind, key: string): string {
  const id = `${kind.name}/${key}`;
  checkName(id, ACTOR_LIMITS.nameCharacters.value - KEEPER_PATH.length - 1);
  return id;
}
