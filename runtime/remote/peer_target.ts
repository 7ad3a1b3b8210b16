/** Actors of other nodes as refs use them. */

import type { AskSettling, CallContext, RemoteTarget } from "../actor/bridge.ts";
import { ActorError, cancelled, unreachableNode } from "../actor/errors.ts";
import { laneOf, type Protocol } from "../actor/protocol.ts";
import type { Delivery } from "../actor/ref.ts";
import { packBody, type RecordHead, recordHead } from "./frames.ts";
import { tooManyWait } from "./peer_ends.ts";
import type { Outgoing } from "./peer_lines.ts";
import type { Session } from "./peer_session.ts";
import type { MessageLane } from "./wire.ts";

/** JSON has no infinity. */
const LONGEST_MS = 2 ** 31 - 1;

/** What all messages of one tag share; of the sender the last one is kept. */
interface Way {
  readonly lane: MessageLane;
  from: string | null;
  head: RecordHead;
}

/** One actor of one peer; the association is looked up for each call, as it may be another one. */
export class PeerTarget implements RemoteTarget {
  readonly #node: string;
  readonly #path: string;
  readonly #protocol: Protocol;
  readonly #session: () => Session | null;
  readonly #ways = new Map<string, Way>();

  constructor(node: string, path: string, protocol: Protocol, session: () => Session | null) {
    this.#node = node;
    this.#path = path;
    this.#protocol = protocol;
    this.#session = session;
  }

  get #address(): string {
    return `quorus://${this.#node}/${this.#path}`;
  }

  /** @inheritdoc */
  tell(tag: string, body: unknown, context: CallContext): Delivery {
    const session = this.#session();
    if (session === null) return "unreachable";
    const way = this.#way(tag, context.from);
    return session.tell(way.lane, this.#pack(session, way, tag, body, context));
  }

  /** @inheritdoc */
  send(tag: string, body: unknown, context: CallContext, signal?: AbortSignal): Promise<void> {
    const session = this.#session();
    if (session === null) return Promise.reject(unreachableNode(this.#address));
    const way = this.#way(tag, context.from);
    let item: Outgoing;
    try {
      item = this.#pack(session, way, tag, body, context);
    } catch (error) {
      return Promise.reject(error);
    }
    return new Promise((resolve, reject) => {
      let leave: (() => void) | null = null;
      const abort = (): void => {
        leave?.();
        done(cancelled(this.#address, tag, signal?.reason));
      };
      const done = (error: ActorError | null): void => {
        signal?.removeEventListener("abort", abort);
        if (error === null) resolve();
        else reject(error);
      };
      signal?.addEventListener("abort", abort);
      leave = session.wait(way.lane, item, {
        granted: () => done(null),
        abandoned: () => done(unreachableNode(this.#address)),
      });
      if (leave === null) done(tooManyWait(this.#node));
    });
  }

  /** @inheritdoc */
  ask(
    tag: string,
    body: unknown,
    context: CallContext,
    withinMs: number,
    settling: AskSettling,
  ): () => void {
    const session = this.#session();
    const id = session?.asked.add(settling) ?? null;
    if (session === null || id === null) {
      settling.fail(
        session === null ? unreachableNode(this.#address) : tooManyWait(this.#node),
      );
      return () => {};
    }
    try {
      const way = this.#way(tag, context.from);
      const budgetMs = Math.min(withinMs, LONGEST_MS);
      const item = this.#pack(session, way, tag, body, context, { id, budgetMs });
      return session.ask(way.lane, item, id);
    } catch (error) {
      session.asked.fail(id, error as Error);
      return () => {};
    }
  }

  #pack(
    session: Session,
    { head }: Way,
    tag: string,
    body: unknown,
    { trace }: CallContext,
    asking: { id: number; budgetMs: number } | null = null,
  ): Outgoing {
    const own = asking === null && trace === null
      ? null
      : { ...asking, ...(trace === null ? {} : { trace }) };
    const { text, attachments, bytes } = packBody(head, own, body);
    if (bytes > session.messageBytes) throw this.#tooLong(tag, bytes, session.messageBytes);
    return { head, text, attachments, bytes, to: this.#path };
  }

  #way(tag: string, from: string | null): Way {
    const way = this.#ways.get(tag);
    if (way === undefined) return this.#newWay(tag, from);
    if (way.from !== from) {
      way.from = from;
      way.head = this.#head(tag, from);
    }
    return way;
  }

  #newWay(tag: string, from: string | null): Way {
    const way = { lane: laneOf(this.#protocol, tag), from, head: this.#head(tag, from) };
    // Only tags that exist, as many as the protocol has, are kept.
    if (Object.hasOwn(this.#protocol.messages, tag)) this.#ways.set(tag, way);
    return way;
  }

  #head(tag: string, from: string | null): RecordHead {
    const { name, version } = this.#protocol;
    const to = this.#path;
    return recordHead({
      v: version,
      type: `${name}/${tag}`,
      to,
      ...(from === null ? {} : { from }),
    });
  }

  #tooLong(tag: string, bytes: number, mostBytes: number): ActorError {
    return new ActorError(
      "NotEncodable",
      `send "${tag}" to ${this.#address}: ${bytes} bytes, its node takes ${mostBytes}; send it in parts`,
    );
  }
}
