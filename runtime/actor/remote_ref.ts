/**
 * A reference to an actor of another node.
 *
 * Deadline and signal of an ask are kept here, on this node's wheel; the carrier brings messages and
 * replies. Asks through it belong to no call chain: a ring of handlers over several nodes ends by its
 * deadlines.
 */

import type { CallContext, Carrier, RemoteTarget } from "./bridge.ts";
import type { Core } from "./core.ts";
import { type AskTarget, type EndedNote, type FrameCell, PendingAsk } from "./envelope.ts";
import {
  type ActorError,
  cancelled,
  nodeStopped,
  unreachableNode,
  waitInHandler,
} from "./errors.ts";
import { remainingMs } from "./intake.ts";
import { parseReply, type Protocol } from "./protocol.ts";
import type { AskOptions, Delivery, Ref, SendOptions } from "./ref.ts";

const NO_OPTIONS = {};
const NOTHING = (): void => {};

/** See the head of this file; it needs no carrier to exist, only to be used. */
export class RemoteRef implements Ref {
  readonly #core: Core<FrameCell>;
  readonly #node: string;
  readonly #path: string;
  #carrier: Carrier | null = null;
  #target: RemoteTarget | null = null;

  constructor(
    core: Core<FrameCell>,
    readonly protocol: Protocol,
    readonly address: string,
    node: string,
    path: string,
  ) {
    this.#core = core;
    this.#node = node;
    this.#path = path;
  }

  tell(tag: string, body: unknown): Delivery {
    const target = this.#reach();
    const delivery = target === null ? "unreachable" : target.tell(tag, body, this.#context());
    if (delivery === "unreachable") this.#dead(tag, body);
    else if (delivery === "full") this.#core.counters.full += 1;
    return delivery;
  }

  send(tag: string, body: unknown, { signal }: SendOptions = NO_OPTIONS): Promise<void> {
    if (this.#core.frame() !== null) return Promise.reject(waitInHandler(this.address, tag));
    if (signal?.aborted) return Promise.reject(cancelled(this.address, tag, signal.reason));
    const target = this.#reach();
    if (target !== null) return target.send(tag, body, this.#context(), signal);
    this.#dead(tag, body);
    return Promise.reject(this.#noCarrier(`send "${tag}" to`));
  }

  ask(tag: string, body: unknown, options: AskOptions = NO_OPTIONS): Promise<never> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(cancelled(this.address, tag, signal.reason));
    const target = this.#reach();
    if (target === null) return Promise.reject(this.#noCarrier(`ask "${tag}" to`));
    return new Promise((resolve, reject) => {
      this.#askOver(target, tag, body, options, resolve as (reply: unknown) => void, reject);
    });
  }

  /** Brings one end of the actor to the note; the returned function takes the watch back. */
  watch(note: EndedNote): () => void {
    const { carrier } = this.#core.links;
    if (carrier !== null) {
      return carrier.watch(this.#node, this.#path, (reason, error) => note.end(reason, error));
    }
    note.end("unreachable", this.#noCarrier("watch"));
    return NOTHING;
  }

  #askOver(
    target: RemoteTarget,
    tag: string,
    body: unknown,
    { withinMs, signal }: AskOptions,
    resolve: (reply: unknown) => void,
    reject: (error: Error) => void,
  ): void {
    const { deadlines, limits, links } = this.#core;
    const caller = this.#core.frame();
    const context = this.#context();
    const budgetMs = Math.min(
      withinMs ?? limits.askMs,
      caller === null ? Infinity : remainingMs(caller),
    );
    const outgoing = new Outgoing(this.address, links.asks);
    const asked = new PendingAsk(outgoing, tag, caller, deadlines, resolve, reject, context.trace);
    outgoing.cancel = target.ask(tag, body, context, budgetMs, {
      reply: (value) => this.#replied(asked, value),
      fail: (error) => asked.fail(error),
    });
    if (asked.settled) return;
    links.asks.add(asked);
    deadlines.set(asked, budgetMs);
    if (signal !== undefined) asked.listen(signal);
  }

  /** Replies cross a trust boundary. */
  #replied(asked: PendingAsk, value: unknown): void {
    if (asked.settled) return;
    try {
      asked.reply(parseReply(this.protocol, asked.tag, value));
    } catch (error) {
      asked.fail(error as ActorError);
    }
  }

  #reach(): RemoteTarget | null {
    const { carrier } = this.#core.links;
    if (carrier !== this.#carrier) {
      this.#carrier = carrier;
      this.#target = carrier?.target(this.#node, this.#path, this.protocol) ?? null;
    }
    return this.#target;
  }

  /** Either the node never had links, or it has ended. */
  #noCarrier(action: string): ActorError {
    if (!this.#core.links.isClosed) return unreachableNode(this.address);
    return nodeStopped(`${action} ${this.address}`, true);
  }

  #context(): CallContext {
    return { from: this.#core.sender(), trace: this.#core.trace() };
  }

  #dead(tag: string, body: unknown): void {
    this.#core.deadLetters.add({ address: this.address, tag, body, reason: "unreachable" });
  }
}

/** An ask on its way: giving it up tells the far side. */
class Outgoing implements AskTarget {
  cancel: () => void = NOTHING;
  readonly #open: Set<PendingAsk>;
  constructor(readonly address: string, open: Set<PendingAsk>) {
    this.#open = open;
  }
  gaveUp(): void {
    this.cancel();
  }
  settled(ask: PendingAsk): void {
    this.#open.delete(ask);
  }
}
