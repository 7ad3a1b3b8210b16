/**
 * At-least-once delivery with dedupe, for messages that must not be lost with a link.
 *
 * A producer numbers its messages and keeps each until the far side has said what became of it; after a
 * new link or a new association it sends them again. The far side hands each to its actor once and in
 * order. What it knows of a producer is lost with its process: what was under way then is handled by
 * the next one, maybe a second time. (Exactly once through crashes takes a session in state that
 * outlives them.)
 */

import type { Ref, SendOptions } from "../actor/ref.ts";
import { checkName } from "../actor/address.ts";
import { type ActorError, cancelled } from "../actor/errors.ts";
import { ACTOR_LIMITS } from "../actor/limits.ts";
import type { BodyOf, Protocol, TellTag } from "../actor/protocol.ts";
import { assert } from "../base/assert.ts";
import { HubCore } from "./hub_core.ts";
import type { LinkedNode } from "./linked_node.ts";
import { givenUp, tooMany } from "./reliable_errors.ts";
import type { Outlet } from "./reliable_post.ts";
import { Room } from "./reliable_room.ts";

/** How a producer is made. */
export interface ReliableOptions {
  /** For people who look at what travels; no key: two producers of one name do not meet. */
  readonly name?: string;
  /** Unconfirmed messages at most; further ones wait (default and most: `reliableMessages`, 1,024). */
  readonly window?: number;
}

/** A producer of reliable messages for one actor. */
export interface Reliable<P extends Protocol = Protocol> {
  /** Messages that were sent and have not settled, those that wait for room included. */
  readonly pending: number;
  /**
   * Resolves when the actor's handler has settled; for as long as its node is away it waits. Messages
   * are handled in the order of these calls, per lane.
   *
   * Rejects with ActorError, and is not sent again then: `HandlerFailed` (the handler threw, `definite`
   * is false), `ActorStopped` (nobody of that name and protocol, or it stopped first; not definite),
   * `MailboxFull` (by the policy of the mailbox), `NotEncodable`, `TooMany`, `Cancelled` (by `close` or
   * by the signal, which ends the wait of the caller and takes a message back only where that still
   * waits for room) and `NodeStopped`. For tasks and code outside actors: a handler must not wait.
   */
  send<T extends TellTag<P>>(tag: T, body: BodyOf<P, T>, options?: SendOptions): Promise<void>;
  /** Gives up what is under way (`Cancelled`) and takes nothing more. Idempotent. */
  close(): void;
}

const INCARNATION_BYTES = 8;

/**
 * Makes a producer of reliable messages for the actor behind `ref`, of another node or of this one.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, protocol, reliable, startNode, tell } from "@quorus/quorus";
 *
 * const Ledger = protocol("demo.ledger", { version: 1, messages: {
 *   book: tell(z.object({ amount: z.number() })),
 * } });
 * const booked: number[] = [];
 * const ledger = actor(Ledger, {
 *   state: () => null,
 *   on: { book: (_, { amount }) => void booked.push(amount) },
 * });
 * const node = startNode({ id: "bank" });
 * const out = reliable(node, node.spawn(ledger, { name: "ledger", args: undefined }));
 * await out.send("book", { amount: 7 }); // its handler is through
 * console.assert(booked.length === 1);
 * out.close();
 * await node.stop();
 * ```
 * @throws ActorError `BadName` for a name that could not stand in an address; AssertionError for a
 * window beyond the limit.
 */
export function reliable<P extends Protocol>(
  node: LinkedNode,
  ref: Ref<P>,
  options: ReliableOptions = {},
): Reliable<P> {
  const hub = node.links;
  assert(hub instanceof HubCore, `node "${node.id}" was made by startNode`);
  const { limits } = hub.reliable;
  const { name = "reliable", window = limits.reliableMessages } = options;
  checkName(name, ACTOR_LIMITS.nameCharacters.value);
  assert(
    Number.isSafeInteger(window) && window >= 1 && window <= limits.reliableMessages,
    `the window of a reliable producer is from 1 to ${limits.reliableMessages}`,
  );
  // Its own incarnation: that of the links may change while it lives.
  const producer = `${name}@${hub.env.random.bytes(INCARNATION_BYTES).toHex()}`;
  const outlet = hub.reliable.open(ref.address, ref.protocol, producer);
  const room = new Room({ messages: window, bytes: limits.reliableBytes }, limits.sendWaiters);
  return new ReliableProducer(ref.address, outlet, room) as unknown as Reliable<P>;
}

/** One producer. */
class ReliableProducer implements Reliable {
  readonly #address: string;
  readonly #outlet: Outlet;
  readonly #room: Room;
  /** Takes those that wait for room out of the line. */
  readonly #waiting = new Set<() => void>();
  #isClosed = false;

  constructor(address: string, outlet: Outlet, room: Room) {
    this.#address = address;
    this.#outlet = outlet;
    this.#room = room;
  }

  get pending(): number {
    return this.#room.messages + this.#room.waiters;
  }

  send(tag: string, body: unknown, { signal }: SendOptions = {}): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) throw givenUp(this.#address, tag, true);
      if (signal?.aborted) throw cancelled(this.#address, tag, signal.reason);
      const { bytes, post } = this.#outlet.prepare(tag, body);
      const settle = (error: ActorError | null): void => {
        signal?.removeEventListener("abort", abort);
        if (error === null) resolve();
        else reject(error);
      };
      let leave: (() => boolean) | null = null;
      let isInside = false;
      const close = (): void => {
        if (leave?.()) settle(givenUp(this.#address, tag, true));
      };
      const abort = (): void => {
        leave?.();
        this.#waiting.delete(close);
        settle(cancelled(this.#address, tag, signal?.reason));
      };
      signal?.addEventListener("abort", abort);
      leave = this.#room.enter(bytes, () => {
        isInside = true;
        this.#waiting.delete(close);
        post((error) => {
          settle(error);
          this.#room.leave(bytes);
        });
      });
      if (leave === null) settle(tooMany(this.#address, "too many wait for room already"));
      else if (!isInside) this.#waiting.add(close);
    });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const waiting = [...this.#waiting].reverse(); // the first would let the next ones in
    this.#waiting.clear();
    for (const leave of waiting) leave();
    this.#outlet.close((tag, definite) => givenUp(this.#address, tag, definite));
  }
}
