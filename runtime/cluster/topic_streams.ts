/** The publishing side of topics on one node: a stream per topic that other nodes want. */

import { encodeMessage } from "../actor/codec.ts";
import type { Env } from "../env/env.ts";
import { ClusterError } from "./errors.ts";
import type { ClusterLimits } from "./limits.ts";
import { Outlet } from "./outlet.ts";
import type { Delivered, Interests } from "./topic_messages.ts";

/** Numbers of a stream go on for as long as any node wants its topic. */
interface Stream {
  readonly id: string;
  published: number;
  readonly outlets: Map<string, Outlet>;
}

/** What streams need. */
export interface StreamsWay {
  readonly env: Pick<Env, "timers">;
  readonly limits: ClusterLimits;
  readonly node: string;
  /** New at each start of this node's topics. */
  readonly life: string;
  deliver(node: string, message: Delivered, signal: AbortSignal): Promise<boolean>;
}

/** See the head of this file. */
export class TopicStreams {
  readonly #way: StreamsWay;
  readonly #streams = new Map<string, Stream>();
  #count = 0;

  constructor(way: StreamsWay) {
    this.#way = way;
  }

  /**
   * Sends a message to every node that wants the topic. ActorError `NotEncodable`, ClusterError
   * `TooLarge`; neither where nobody wants it.
   */
  publish(topic: string, body: unknown): void {
    const stream = this.#streams.get(topic);
    if (stream === undefined) return;
    const text = encodeMessage(body);
    const most = this.#way.limits.topicMessageBytes;
    if (text.length > most) {
      const size = `${text.length} characters are more than ${most}`;
      throw new ClusterError("TooLarge", `publish on ${topic}: ${size}; publish a reference`);
    }
    stream.published += 1;
    for (const outlet of stream.outlets.values()) outlet.push(text);
  }

  /** A node has said all that it wants. */
  wanted({ node, life, link, topics }: Interests): void {
    const terms = new Map(topics.map(({ topic, term }) => [topic, term]));
    for (const [topic, stream] of [...this.#streams]) {
      const outlet = stream.outlets.get(node);
      if (outlet === undefined) continue;
      const isSame = outlet.life === life && outlet.term === terms.get(topic);
      if (!isSame) this.#remove(topic, node);
    }
    for (const [topic, term] of terms) this.#outlet(topic, node, life, term).open(link);
  }

  /** A node cannot be reached; it is known what it wants, and it counts what it misses. */
  lost(node: string): void {
    for (const { outlets } of this.#streams.values()) outlets.get(node)?.close();
  }

  /** A node does not belong any more. */
  left(node: string): void {
    for (const topic of [...this.#streams.keys()]) this.#remove(topic, node);
  }

  /** What waits, and what was lost before it left. */
  sizes(): { outlets: number; queued: number; bytes: number; dropped: number } {
    const sizes = { outlets: 0, queued: 0, bytes: 0, dropped: 0 };
    for (const { outlets } of this.#streams.values()) {
      for (const outlet of outlets.values()) {
        sizes.outlets += 1;
        sizes.queued += outlet.queued;
        sizes.bytes += outlet.bytes;
        sizes.dropped += outlet.dropped;
      }
    }
    return sizes;
  }

  close(): void {
    for (const { outlets } of this.#streams.values()) {
      for (const outlet of outlets.values()) outlet.close();
    }
    this.#streams.clear();
  }

  #outlet(topic: string, node: string, life: string, term: number): Outlet {
    let stream = this.#streams.get(topic);
    if (stream === undefined) {
      this.#count += 1;
      stream = { id: `${this.#way.life}.${this.#count}`, published: 0, outlets: new Map() };
      this.#streams.set(topic, stream);
    }
    let outlet = stream.outlets.get(node);
    if (outlet === undefined) {
      outlet = this.#newOutlet(topic, stream, node, life, term);
      stream.outlets.set(node, outlet);
    }
    return outlet;
  }

  #newOutlet(topic: string, stream: Stream, node: string, life: string, term: number): Outlet {
    const { env, limits, node: publisher } = this.#way;
    const since = stream.published;
    const about = { publisher, stream: stream.id, topic, life, term, since };
    return new Outlet(
      {
        env,
        limits,
        published: () => stream.published,
        deliver: ({ from, items }, signal) =>
          this.#way.deliver(node, { ...about, from, items: [...items] }, signal),
        unwanted: (outlet) => {
          if (stream.outlets.get(node) === outlet) this.#remove(topic, node);
        },
      },
      life,
      term,
    );
  }

  #remove(topic: string, node: string): void {
    const stream = this.#streams.get(topic);
    stream?.outlets.get(node)?.close();
    stream?.outlets.delete(node);
    if (stream?.outlets.size === 0) this.#streams.delete(topic);
  }
}
