/** Typed references to actors: what a caller holds. */

import type { AskTag, BodyOf, Protocol, ReplyOf, TellTag } from "./protocol.ts";

/**
 * What became of a `tell`: queued; refused because the mailbox is full; dropped (and counted) by a
 * mailbox with policy "drop"; a dead letter because the actor is gone; no link to its node.
 */
export type Delivery = "accepted" | "full" | "dropped" | "dead" | "unreachable";

/** How long an ask may take and what ends it early. */
export interface AskOptions {
  /** Deadline in milliseconds (default 5,000); inside a handler never later than its own deadline. */
  readonly withinMs?: number;
  /** Ends the ask with `Cancelled`. */
  readonly signal?: AbortSignal;
}

/** What ends a waiting send early. */
export interface SendOptions {
  readonly signal?: AbortSignal;
}

/** A reference to an actor that speaks `P`; it stays valid when the actor restarts. */
export interface Ref<P extends Protocol = Protocol> {
  /** `quorus://node/path/of/actor`. */
  readonly address: string;
  readonly protocol: P;
  /** Queues a one-way message and says at once what became of it; never throws for a full mailbox. */
  tell<T extends TellTag<P>>(tag: T, body: BodyOf<P, T>): Delivery;
  /**
   * Queues a one-way message, waiting for room where the mailbox's policy is "wait".
   * For tasks and code outside actors; inside a handler it rejects with `WaitInHandler`.
   * Rejects with ActorError `MailboxFull`, `ActorStopped`, `NoSuchActor`, `Unreachable`, `Cancelled`.
   */
  send<T extends TellTag<P>>(tag: T, body: BodyOf<P, T>, options?: SendOptions): Promise<void>;
  /**
   * Brings the reply; always settles. Rejects with ActorError `AskTimeout`, `ActorStopped`,
   * `NoSuchActor`, `MailboxFull`, `HandlerFailed`, `CallCycle`, `Cancelled` or `Unreachable`.
   */
  ask<T extends AskTag<P>>(
    tag: T,
    body: BodyOf<P, T>,
    options?: AskOptions,
  ): Promise<ReplyOf<P, T>>;
}
