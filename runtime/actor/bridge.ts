/**
 * Where the actors of a node end and its links begin. `runtime/remote` implements {@link Carrier} and
 * uses {@link Dock}; neither room knows more of the other.
 */

import type { EndReason } from "./definition.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Protocol } from "./protocol.ts";
import type { Delivery } from "./ref.ts";

/** Who sends, and what travels with it. */
export interface CallContext {
  /** Address of the actor whose handler sends; `null` for tasks and code outside actors. */
  readonly from: string | null;
  /** W3C `traceparent`; `null` if nothing is traced. */
  readonly trace: string | null;
}

/**
 * Called once when the node has ended: its actors are gone and its remote asks and watches settled.
 * After a stop the node's wheel runs on, and `node.stop()` waits, until the returned promise settles
 * (at most `closeMs`); after a failure nothing is waited for and the wheel stands still.
 */
export type EndHook = (how: "stopped" | "failed") => void | Promise<void>;

/** Where the outcome of a remote ask goes; the first call counts. */
export interface AskSettling {
  /**
   * Asking side: the reply as it came, it is checked against its schema here. Answering side: sends the
   * reply; throws `NotEncodable` if it cannot be carried, `fail` follows then.
   */
  reply(body: unknown): void;
  fail(error: Error): void;
}

/** An actor of another node, as refs use it. Values are encoded before these calls return. */
export interface RemoteTarget {
  /** `accepted` once queued within credit, `full` without credit, `unreachable` without an association. */
  tell(tag: string, body: unknown, context: CallContext): Delivery;
  /** Waits for credit; rejects with ActorError `Unreachable`, `Cancelled`, `NotEncodable`. */
  send(tag: string, body: unknown, context: CallContext, signal?: AbortSignal): Promise<void>;
  /**
   * Sends an ask whose far side may use `withinMs`. The deadline is the caller's to keep; the returned
   * function gives the ask up and tells the far side.
   */
  ask(
    tag: string,
    body: unknown,
    context: CallContext,
    withinMs: number,
    settling: AskSettling,
  ): () => void;
}

/** Outbound: what actors need to reach other nodes. */
export interface Carrier {
  /** Cheap, cached by (node, path, protocol); never fails. `laneOf(protocol, tag)` names the lane. */
  target(node: string, path: string, protocol: Protocol): RemoteTarget;
  /**
   * Calls `ended` exactly once unless the returned function takes the watch back before (after `ended`
   * it does nothing).
   */
  watch(
    node: string,
    path: string,
    ended: (reason: EndReason, error: unknown) => void,
  ): () => void;
}

/** Who sends what to whom. */
export interface InboundHead {
  /** The node at the other end, as its link has proved. */
  readonly node: string;
  readonly path: string;
  /** Name of the message protocol. */
  readonly protocol: string;
  readonly tag: string;
}

/** A message that came over a link; not validated yet. */
export interface InboundMessage extends InboundHead {
  readonly version: number;
  readonly body: unknown;
  /** What it says of its sender. */
  readonly from: string | null;
  readonly trace: string | null;
}

/** What became of an inbound message. */
export type Outcome = "handled" | "failed" | "refused" | "dropped" | "dead";

/** Told exactly once, when the handler has settled or it is certain that it never runs. */
export interface Receipt {
  processed(outcome: Outcome): void;
}

/** Inbound: what links need to reach the actors of this node. */
export interface Dock {
  readonly node: string;
  /** The node's wheel: everything with a deadline hangs on it. */
  readonly deadlines: Deadlines;
  /** Counts a message that was accepted and now cannot be brought to `address` as a dead letter. */
  dead(address: string, tag: string, body: unknown): void;
  /**
   * Puts a one-way message into a mailbox. A full one with policy "wait" keeps it waiting in order
   * (the sender's credit bounds how many), other policies refuse or drop it. Bad messages cost
   * themselves only: they are dead letters.
   */
  tell(message: InboundMessage, receipt: Receipt): void;
  /** The same for an ask; the returned function cancels it (the handler's signal aborts). */
  ask(
    message: InboundMessage,
    budgetMs: number,
    settling: AskSettling,
    receipt: Receipt,
  ): (reason: Error) => void;
  /**
   * Watches an actor of this node; `ended` comes once, at once if the name is free (`unreachable`).
   * The returned function takes the watch back.
   */
  watch(path: string, ended: (reason: EndReason, error: unknown) => void): () => void;
}
