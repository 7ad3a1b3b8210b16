/**
 * A node in its cluster: links to the members, who they are and how they do, actors found by name,
 * topics.
 *
 * ```ts
 * const cluster = joinCluster(node, {
 *   members: [{ node: "a", url: "wss://a.example:4100", roles: ["controller"] }, { node: "b" }],
 *   links: { listen: [{ hostname: "a.example", port: 4100, tls }], token },
 * });
 * await cluster.ready;
 * const { refs } = await cluster.find(Counter, "counter", { role: "controller" });
 * cluster.topics.subscribe(Progress, { message: (body, publisher) => show(body, publisher) });
 * ```
 */

import { attach, type Node } from "../actor/node.ts";
import type { Protocol } from "../actor/protocol.ts";
import { createHub, type Hub } from "../remote/hub.ts";
import type { HubOptions } from "../remote/hub_options.ts";
import { phiAccrual } from "./detector.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import { type Member, MemberList, type MemberSource } from "./member_source.ts";
import { type MemberEvent, Membership, type MemberView } from "./membership.ts";
import { find, type FindOptions, type Found, registry, REGISTRY_PATH } from "./registry.ts";
import { Topics } from "./topics.ts";

/** How a node takes part. */
export interface ClusterOptions {
  /** Who belongs: a list that stays as it is, or a source that changes. This node is one of them. */
  readonly members: readonly Member[] | MemberSource;
  /** Listeners, credentials and limits of the links; members are dialled by their URL. */
  readonly links?: Omit<HubOptions, "peers">;
  readonly limits?: Partial<ClusterLimits>;
}

/** A node's view of its cluster. */
export interface Cluster {
  readonly node: Node;
  readonly hub: Hub;
  readonly topics: Topics;
  /** Rejects with a SocketError where the node cannot listen; others need not be there. */
  readonly ready: Promise<void>;
  /** All members by name, this node too. */
  members(): MemberView[];
  /** One member; `null` if it does not belong. */
  member(node: string): MemberView | null;
  /** Tells what happens to members, in order; the returned function ends that. */
  subscribe(listener: (event: MemberEvent) => void): () => void;
  /** Resolves when the member is up; rejects with the signal's reason. */
  whenUp(node: string, options?: { readonly signal?: AbortSignal }): Promise<MemberView>;
  /** References to the actors of that path and protocol on every member that has one. */
  find<P extends Protocol>(protocol: P, path: string, options?: FindOptions): Promise<Found<P>>;
  /** Ends subscriptions and links; the node and its actors go on. Idempotent; `node.stop` does it too. */
  leave(): Promise<void>;
}

/**
 * Gives a node its links and its cluster, once in its life.
 *
 * @throws ClusterError `BadMembers`, RemoteError `PlainLink` or `NoCredential` for listeners that must
 * not be, ActorError `NameTaken` if the node has links.
 */
export function joinCluster(node: Node, options: ClusterOptions): Cluster {
  const limits = clusterLimits(options.limits);
  const source = "current" in options.members
    ? options.members
    : new MemberList(options.members, limits);
  const joining = { hub: null as Hub | null, joined: null as JoinedCluster | null };
  attach(
    node,
    (dock) => {
      const detector = phiAccrual(limits);
      joining.hub = createHub(node.env, dock, { detector, ...options.links });
      return joining.hub;
    },
    () => joining.joined?.leave() ?? joining.hub?.close(),
  );
  joining.joined = new JoinedCluster(node, joining.hub!, source, limits);
  return joining.joined;
}

class JoinedCluster implements Cluster {
  readonly topics: Topics;
  readonly #membership: Membership;
  readonly #limits: ClusterLimits;

  constructor(
    readonly node: Node,
    readonly hub: Hub,
    source: MemberSource,
    limits: ClusterLimits,
  ) {
    this.#limits = limits;
    this.#membership = new Membership(node.env, node.id, hub, source, limits);
    node.spawn(registry, { name: REGISTRY_PATH, args: { node }, restart: "permanent" });
    this.topics = new Topics(node, this.#membership, limits);
  }

  get ready(): Promise<void> {
    return this.hub.ready;
  }

  members(): MemberView[] {
    return this.#membership.members();
  }

  member(node: string): MemberView | null {
    return this.#membership.member(node);
  }

  subscribe(listener: (event: MemberEvent) => void): () => void {
    return this.#membership.subscribe(listener);
  }

  whenUp(node: string, { signal }: { signal?: AbortSignal } = {}): Promise<MemberView> {
    const { promise, resolve, reject } = Promise.withResolvers<MemberView>();
    const look = (): void => {
      const member = this.member(node);
      if (member?.status === "up") resolve(member);
    };
    const aborted = (): void => reject(signal!.reason);
    const release = this.subscribe(look);
    if (signal?.aborted) aborted();
    signal?.addEventListener("abort", aborted, { once: true });
    look();
    return promise.finally(() => {
      release();
      signal?.removeEventListener("abort", aborted);
    });
  }

  find<P extends Protocol>(protocol: P, path: string, options?: FindOptions): Promise<Found<P>> {
    return find(this.node, this.#membership, protocol, path, options, this.#limits);
  }

  leave(): Promise<void> {
    this.topics.close();
    this.#membership.close();
    return this.hub.close();
  }
}
