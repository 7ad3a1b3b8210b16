/**
 * A node in its cluster: who the members are and how they do, actors found by name, topics.
 */

import type { Node } from "../actor/node.ts";
import type { Protocol } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import { type Member, MemberList, type MemberSource } from "./member_source.ts";
import { type MemberEvent, type MemberLinks, Membership, type MemberView } from "./membership.ts";
import { find, type FindOptions, type Found, registry, REGISTRY_PATH } from "./registry.ts";
import { Topics } from "./topics.ts";

/** How a node takes part. */
export interface ClusterOptions {
  /** Who belongs: a list that stays as it is, or a source that changes. This node is one of them. */
  readonly members: readonly Member[] | MemberSource;
  readonly limits?: Partial<ClusterLimits>;
}

/** A node's view of its cluster. */
export interface Cluster {
  readonly node: Node;
  readonly topics: Topics;
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
  /**
   * Ends subscriptions and says goodbye to the members, who dial it again while it belongs for them. The
   * node and its actors go on; it cannot join again. Idempotent. The end of the node does it, too.
   */
  leave(): Promise<void>;
}

/**
 * Makes a node with links (`startNode`) part of a cluster, once in its life: members are dialled by
 * their URLs as long as they belong.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { joinCluster, startNode, topic } from "@quorus/quorus";
 *
 * const Progress = topic("demo.progress", { version: 1, schema: z.object({ done: z.number() }) });
 * const listen = [{ hostname: "127.0.0.1", port: 0 }];
 * const a = startNode({ id: "a", links: { listen }, logLevel: "error" });
 * const b = startNode({ id: "b", logLevel: "error" });
 * await a.links.ready;
 *
 * const members = [{ node: "a", url: a.links.urls[0]!, roles: ["leader"] }, { node: "b" }];
 * const [atA, atB] = [joinCluster(a, { members }), joinCluster(b, { members })];
 * await Promise.all([atA.whenUp("b"), atB.whenUp("a")]);
 *
 * const heard = new Promise<number>((resolve) => {
 *   atB.topics.subscribe(Progress, { message: ({ done }) => resolve(done) });
 * });
 * const again = setInterval(() => atA.topics.publish(Progress, { done: 42 }), 10);
 * console.assert(await heard === 42);
 * clearInterval(again);
 * await b.stop();
 * await a.stop();
 * ```
 *
 * @throws ClusterError `BadMembers`, ActorError `NameTaken` if the node has joined before.
 */
export function joinCluster(
  node: Node & { readonly links: MemberLinks },
  options: ClusterOptions,
): Cluster {
  const limits = clusterLimits(options.limits);
  const source = "current" in options.members
    ? options.members
    : new MemberList(options.members, limits);
  return new JoinedCluster(node, node.links, source, limits);
}

class JoinedCluster implements Cluster {
  readonly topics: Topics;
  readonly #links: MemberLinks;
  readonly #membership: Membership;
  readonly #limits: ClusterLimits;
  #hasLeft = false;

  constructor(
    readonly node: Node,
    links: MemberLinks,
    source: MemberSource,
    limits: ClusterLimits,
  ) {
    this.#links = links;
    this.#limits = limits;
    const ref = node.spawn(registry, {
      name: REGISTRY_PATH,
      args: { node },
      restart: "permanent",
    });
    // It is always restarted, so it ends with its node only.
    void node.ended(ref as unknown as Ref).then(() => this.#close());
    this.#membership = new Membership(node.env, node.id, links, source, limits);
    this.topics = new Topics(node, this.#membership, limits);
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

  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    const others = this.members().filter(({ isSelf }) => !isSelf);
    this.#close();
    await Promise.all(others.map(({ node }) => this.#links.disconnect(node)));
  }

  #close(): void {
    this.#hasLeft = true;
    this.topics.close();
    this.#membership.close();
  }
}
