/**
 * Publish and subscribe over nodes. Ordered per publishing node, at most once, bounded everywhere; who
 * is too slow loses the oldest, and is told how many before the next message. `DESIGN.md` says how.
 */

import { AsyncLocalStorage } from "node:async_hooks";
import type { z } from "zod";
import { formatAddress } from "../actor/address.ts";
import { decodeMessage } from "../actor/codec.ts";
import { actor } from "../actor/definition.ts";
import type { Node } from "../actor/node.ts";
import type { BodyOf, Protocol, TellTag } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import { clusterClosed, ClusterError } from "./errors.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import type { MemberEvent, Membership } from "./membership.ts";
import { LocalSubscriber, type Subscriber, type Subscription } from "./subscriber.ts";
import { type MessageOf, type Topic, topicKey } from "./topic.ts";
import { TopicInterests } from "./topic_interests.ts";
import { type Delivered, type Interests, TOPICS_PATH, TopicsProtocol } from "./topic_messages.ts";
import { TopicStreams } from "./topic_streams.ts";

const LIFE_BYTES = 8;

/** How a subscription is bounded. */
export interface SubscribeOptions {
  /** Messages that may wait for the subscriber (default 256); then the oldest is lost. */
  readonly capacity?: number;
}

/** Gauges, and counters that only grow. */
export interface TopicMetrics {
  /** Topics with a subscriber on this node, and those subscribers. */
  readonly topics: number;
  readonly subscribers: number;
  /** Messages that wait for subscribers of this node. */
  readonly queued: number;
  /** Messages that subscribers of this node have missed, whether told by now or not. */
  readonly missed: number;
  /** Topics that other nodes want of this one, counted per node, and what waits for them. */
  readonly outlets: number;
  readonly outletMessages: number;
  readonly outletBytes: number;
  /** Messages lost in them before they left. */
  readonly outletDropped: number;
}

/** What is known of the stream of one publisher. */
interface Place {
  readonly stream: string;
  seen: number;
}

/** A topic with subscribers on this node. */
interface Wanted {
  readonly schema: z.ZodType;
  readonly term: number;
  readonly subscribers: Set<LocalSubscriber>;
  /** Where each publishing node stands. */
  readonly places: Map<string, Place>;
}

/** The topics of one node; every member of the cluster has such. */
export class Topics {
  readonly #node: Node;
  readonly #membership: Membership;
  readonly #limits: ClusterLimits;
  readonly #life: string;
  readonly #wanted = new Map<string, Wanted>();
  readonly #streams: TopicStreams;
  readonly #interests: TopicInterests;
  /** How often each member was linked. */
  readonly #linkCounts = new Map<string, number>();
  readonly #outside = AsyncLocalStorage.snapshot();
  readonly #release: () => void;
  #term = 0;
  #missedBefore = 0;
  #closed = false;

  constructor(node: Node, membership: Membership, overrides: Partial<ClusterLimits> = {}) {
    this.#node = node;
    this.#membership = membership;
    this.#limits = clusterLimits(overrides);
    this.#life = node.env.random.bytes(LIFE_BYTES).toHex();
    const { env } = node;
    const shared = { env, limits: this.#limits };
    this.#streams = new TopicStreams({
      ...shared,
      node: node.id,
      life: this.#life,
      deliver: (to, message, signal) => this.#deliver(to, message, signal),
    });
    this.#interests = new TopicInterests({
      ...shared,
      isUp: (other) => membership.member(other)?.status === "up",
      announce: (other) => this.#announce(other),
    });
    this.#release = membership.subscribe((event) => this.#heard(event));
    node.spawn(topicsActor, { name: TOPICS_PATH, args: { topics: this }, restart: "permanent" });
  }

  /**
   * Gives a message to every subscriber of the cluster that this node knows of; never waits. What it
   * has to carry to another node is encoded before this returns.
   *
   * @throws ActorError `NotEncodable`, ClusterError `TooLarge`, where another node subscribes.
   */
  publish<T extends Topic>(topic: T, body: MessageOf<T>): void {
    if (this.#closed) throw clusterClosed(`publish on ${topic.name}`);
    const key = topicKey(topic);
    this.#streams.publish(key, body);
    const subscribers = this.#wanted.get(key)?.subscribers ?? [];
    for (const subscriber of subscribers) subscriber.push(body, this.#node.id);
  }

  /**
   * Subscribes until `end` is called. Members that are linked publish here as soon as they have heard
   * of it, others when they are linked.
   *
   * @throws ClusterError `TooMany`, `ClusterClosed`.
   */
  subscribe<T extends Topic>(
    topic: T,
    subscriber: Subscriber<MessageOf<T>>,
    options: SubscribeOptions = {},
  ): Subscription {
    if (this.#closed) throw clusterClosed(`subscribe to ${topic.name}`);
    const key = topicKey(topic);
    const wanted = this.#wanted.get(key) ?? this.#want(key, topic);
    if (wanted.subscribers.size >= this.#limits.subscribersPerTopic) {
      throw tooMany(key, "subscribers", this.#limits.subscribersPerTopic);
    }
    const local = new LocalSubscriber({
      env: this.#node.env,
      topic: key,
      capacity: options.capacity ?? this.#limits.topicQueueMessages,
      turnMessages: this.#limits.topicTurnMessages,
      againMs: this.#limits.announceAgainMs,
      outside: (run) => this.#outside(run),
      ended: (gone) => this.#ended(key, wanted, gone),
    }, subscriber);
    wanted.subscribers.add(local);
    return local;
  }

  /**
   * Subscribes an actor: `tag` brings it the messages, `missedTag` how many it has missed. An actor
   * whose mailbox waits slows only its own subscription; one that refuses has missed the message. The
   * subscription ends with the actor.
   */
  subscribeActor<T extends Topic, P extends Protocol>(
    topic: T,
    ref: Ref<P>,
    tag: TellTag<P>,
    options: SubscribeOptions & { readonly missedTag?: TellTag<P> } = {},
  ): Subscription {
    const { missedTag } = options;
    const say = (to: TellTag<P>, body: unknown): Promise<void> =>
      ref.send(to, body as BodyOf<P, TellTag<P>>);
    const subscription = this.subscribe(topic, {
      message: (body) => say(tag, body),
      ...(missedTag === undefined ? {} : { missed: (count) => say(missedTag, { count }) }),
    }, options);
    void this.#node.ended(ref as unknown as Ref).then(() => subscription.end());
    return subscription;
  }

  metrics(): TopicMetrics {
    const { outlets, queued: outletMessages, bytes: outletBytes, dropped } = this.#streams.sizes();
    let subscribers = 0;
    let queued = 0;
    let missed = this.#missedBefore;
    for (const wanted of this.#wanted.values()) {
      subscribers += wanted.subscribers.size;
      for (const one of wanted.subscribers) {
        queued += one.queued;
        missed += one.missed;
      }
    }
    const outletDropped = dropped;
    const topics = this.#wanted.size;
    return {
      topics,
      subscribers,
      queued,
      missed,
      outlets,
      outletMessages,
      outletBytes,
      outletDropped,
    };
  }

  /** Ends every subscription. Idempotent. */
  close(): void {
    this.#closed = true;
    this.#release();
    this.#interests.close();
    this.#streams.close();
    for (const { subscribers } of [...this.#wanted.values()]) {
      for (const subscriber of [...subscribers]) subscriber.end();
    }
  }

  /** @internal Another node says what it wants; false if it does not belong. */
  heardInterests(interests: Interests): boolean {
    const member = this.#membership.member(interests.node);
    if (this.#closed || member === null || member.isSelf) return false;
    this.#streams.wanted(interests);
    return true;
  }

  /** @internal Something was published elsewhere; false if nobody here wants it. */
  heardDelivered(delivered: Delivered): boolean {
    const { topic, life, term, publisher, stream, since, from, items } = delivered;
    const wanted = this.#wanted.get(topic);
    if (life !== this.#life || wanted === undefined || wanted.term !== term) return false;
    let place = wanted.places.get(publisher);
    if (place?.stream !== stream) wanted.places.set(publisher, place = { stream, seen: since });
    this.#skip(wanted, from - 1 - place.seen);
    place.seen = Math.max(place.seen, from - 1);
    for (const [index, text] of items.entries()) {
      if (from + index <= place.seen) continue; // it came over the link before this one
      place.seen = from + index;
      this.#take(topic, wanted, text, publisher);
    }
    return true;
  }

  #take(topic: string, wanted: Wanted, text: string, publisher: string): void {
    try {
      const body = wanted.schema.parse(decodeMessage(text));
      for (const subscriber of wanted.subscribers) subscriber.push(body, publisher);
    } catch (error) {
      const facts = { topic, publisher, error };
      this.#node.env.log.write("warn", "a published message is not of its topic", facts);
      this.#skip(wanted, 1);
    }
  }

  #skip(wanted: Wanted, count: number): void {
    if (count <= 0) return;
    for (const subscriber of wanted.subscribers) subscriber.skip(count);
  }

  #want(key: string, topic: Topic): Wanted {
    if (this.#wanted.size >= this.#limits.topicsPerNode) {
      throw tooMany(key, "topics", this.#limits.topicsPerNode);
    }
    this.#term += 1;
    const { schema } = topic;
    const wanted: Wanted = {
      schema,
      term: this.#term,
      subscribers: new Set(),
      places: new Map(),
    };
    this.#wanted.set(key, wanted);
    this.#announceToAll();
    return wanted;
  }

  #ended(key: string, wanted: Wanted, gone: LocalSubscriber): void {
    this.#missedBefore += gone.missed;
    wanted.subscribers.delete(gone);
    if (wanted.subscribers.size > 0) return;
    this.#wanted.delete(key);
    if (!this.#closed) this.#announceToAll();
  }

  #announceToAll(): void {
    for (const { node, isSelf } of this.#membership.members()) {
      if (!isSelf) this.#interests.due(node);
    }
  }

  async #announce(node: string): Promise<boolean> {
    const topics = [...this.#wanted].map(([topic, { term }]) => ({ topic, term }));
    const ref = this.#node.ref(TopicsProtocol, formatAddress(node, TOPICS_PATH));
    const link = this.#linkCounts.get(node) ?? 0;
    const body = { node: this.#node.id, life: this.#life, link, topics };
    const { accepted } = await ref.ask("interests", body, { withinMs: this.#limits.announceMs });
    return accepted;
  }

  async #deliver(node: string, message: Delivered, signal: AbortSignal): Promise<boolean> {
    const ref = this.#node.ref(TopicsProtocol, formatAddress(node, TOPICS_PATH));
    const withinMs = this.#limits.deliverMs;
    const { wanted } = await ref.ask("deliver", message, { withinMs, signal });
    return wanted;
  }

  #heard({ kind, member: { node, status, isSelf } }: MemberEvent): void {
    if (isSelf) return;
    if (kind === "left") {
      this.#streams.left(node);
      this.#interests.left(node);
      this.#linkCounts.delete(node);
      for (const { places } of this.#wanted.values()) places.delete(node);
    } else if (status === "up") {
      this.#linkCounts.set(node, (this.#linkCounts.get(node) ?? 0) + 1);
      this.#interests.due(node);
    } else if (status === "unreachable" || status === "quarantined") {
      this.#streams.lost(node);
    }
  }
}

const topicsActor = actor(TopicsProtocol, {
  mailbox: { full: "wait" },
  state: ({ topics }: { topics: Topics }) => ({ topics }),
  on: {
    interests: ({ topics }, interests) => ({ accepted: topics.heardInterests(interests) }),
    deliver: ({ topics }, delivered) => ({ wanted: topics.heardDelivered(delivered) }),
  },
});

function tooMany(topic: string, what: string, most: number): ClusterError {
  return new ClusterError("TooMany", `subscribe to ${topic}: ${most} ${what} are the limit`);
}
