/** Actors of other nodes as refs use them. */

import type { AskSettling, CallContext, RemoteTarget } from "../actor/bridge.ts";
import { ActorError, cancelled, unreachableNode } from "../actor/errors.ts";
import { laneOf, type Protocol } from "../actor/protocol.ts";
import type { Delivery } from "../actor/ref.ts";
import { packRecord } from "./frames.ts";
import { tooManyWait } from "./peer_ends.ts";
import type { Outgoing } from "./peer_lines.ts";
import type { Session } from "./peer_session.ts";
import type { MessageRecord } from "./wire.ts";

/** JSON has no infinity. */
const LONGEST_MS = 2 ** 31 - 1;

/** One actor of one peer; the association is looked up for each call, as it may be another one. */
export class PeerTarget implements RemoteTarget {
  readonly #node: string;
  readonly #path: string;
  readonly #protocol: Protocol;
  readonly #session: () => Session | null;

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
    const item = this.#pack(session, tag, body, context);
    return session.tell(laneOf(this.#protocol, tag), item);
  }

  /** @inheritdoc */
  send(tag: string, body: unknown, context: CallContext, signal?: AbortSignal): Promise<void> {
    const session = this.#session();
    if (session === null) return Promise.reject(unreachableNode(this.#address));
    let item: Outgoing;
    try {
      item = this.#pack(session, tag, body, context);
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
      leave = session.wait(laneOf(this.#protocol, tag), item, {
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
      const item = this.#pack(session, tag, body, context, {
        id,
        budgetMs: Math.min(withinMs, LONGEST_MS),
      });
      return session.ask(laneOf(this.#protocol, tag), item, id);
    } catch (error) {
      session.asked.fail(id, error as Error);
      return () => {};
    }
  }

  #pack(
    session: Session,
    tag: string,
    body: unknown,
    { from, trace }: CallContext,
    asking: { id: number; budgetMs: number } | null = null,
  ): Outgoing {
    const to = this.#path;
    const record: MessageRecord = {
      v: this.#protocol.version,
      type: `${this.#protocol.name}/${tag}`,
      to,
      ...(from === null ? {} : { from }),
      ...asking,
      ...(trace === null ? {} : { trace }),
      body,
    };
    const { text, attachments, bytes } = packRecord(record);
    if (bytes > session.messageBytes) throw this.#tooLong(tag, bytes, session.messageBytes);
    return { text, attachments, bytes, to };
  }

  #tooLong(tag: string, bytes: number, mostBytes: number): ActorError {
    return new ActorError(
      "NotEncodable",
      `send "${tag}" to ${this.#address}: ${bytes} bytes, its node takes ${mostBytes}; send it in parts`,
    );
  }
}
