/** Actor definitions: behaviour as a value, and the context its handlers get. */

import type { Env, LogLevel } from "../env/env.ts";
import { ActorError } from "./errors.ts";
import type { Later } from "./later.ts";
import { ACTOR_LIMITS } from "./limits.ts";
import type { AskTag, BodyOf, Protocol, ReplyOf, Tag, TellTag } from "./protocol.ts";
import type { Ref } from "./ref.ts";
import type { ChildrenPolicy, RestartType } from "./supervision.ts";

/** What a full mailbox does: senders wait, are refused, or the new message is dropped and counted. */
export type FullPolicy = "wait" | "reject" | "drop";

/** Size and policy of a mailbox. */
export interface MailboxOptions {
  readonly capacity?: number;
  readonly full?: FullPolicy;
}

/** A task that settled. */
export type TaskEnd =
  | { readonly name: string; readonly ok: true; readonly value: unknown }
  | { readonly name: string; readonly ok: false; readonly error: unknown };

/** Why an actor is gone for good. */
export type EndReason = "stopped" | "failed" | "unreachable";

/** A watched actor that is gone for good. */
export interface Ended {
  readonly ref: Ref;
  readonly reason: EndReason;
  readonly error?: unknown;
}

/** How a child is started. `args` may be left out where the actor takes none. */
export type SpawnOptions<A> =
  & {
    /** Unique below the parent; `$1`, `$2` ... if left out. */
    readonly name?: string;
    /** `transient` (default): restarted after a failure; `permanent`: always; `temporary`: never. */
    readonly restart?: RestartType;
  }
  & (undefined extends A ? { readonly args?: A } : { readonly args: A });

/**
 * What a handler may do besides changing its state. It belongs to one incarnation: once the actor
 * stops or restarts, every use throws ActorError `ContextRevoked`.
 */
export interface Context<P extends Protocol = Protocol> {
  readonly self: Ref<P>;
  readonly env: Env;
  /** 1 at first start, one more after each restart. */
  readonly incarnation: number;
  /** Milliseconds until the ask being handled is given up by its caller; `Infinity` for a tell. */
  readonly remainingMs: number;
  /** W3C `traceparent` of the message being handled, `null` if it is not traced; what is sent inherits it. */
  readonly trace: string | null;
  /** The node that sent the message being handled, as its link has proved; this node's id for its own. */
  readonly senderNode: string;
  /** Aborts when the actor stops, or when the ask being handled timed out or was cancelled. */
  readonly signal: AbortSignal;
  /** Writes to the log with the actor's address. */
  log(level: LogLevel, message: string, facts?: Readonly<Record<string, unknown>>): void;
  /** Starts a child; its `state` has run when this returns. ActorError `NameTaken`, `StartFailed`. */
  spawn<Q extends Protocol, A>(
    definition: ActorDefinition<Q, A>,
    options: SpawnOptions<A>,
  ): Ref<Q>;
  /** Stops this actor after the current message, or a child of it; a stopped child is not restarted. */
  stop(child?: Ref): void;
  /** Brings exactly one `ended` once the actor is gone for good (restarts do not count). */
  watch(ref: Ref): void;
  /** Takes a watch back; no `ended` comes after this. */
  unwatch(ref: Ref): void;
  /** Runs long work beside the mailbox; its settling arrives as `done`. Names are unique while running. */
  task(name: string, run: (signal: AbortSignal) => unknown): void;
  /** Aborts the signal of a running task; `done` still comes. False if there is none. */
  abort(name: string, reason?: unknown): boolean;
  /** Sends a message to this actor once, `ms` from now; the same name replaces the timer. */
  after<T extends TellTag<P>>(name: string, ms: number, tag: T, body: BodyOf<P, T>): void;
  /** Sends a message to this actor every `ms`; a tick still in the mailbox is not sent twice. */
  every<T extends TellTag<P>>(name: string, ms: number, tag: T, body: BodyOf<P, T>): void;
  /** Takes a timer back, even if its message is already queued. False if there is none. */
  cancel(name: string): boolean;
  /** A reference by address; it finds whoever has that name when a message is sent. */
  ref<Q extends Protocol>(protocol: Q, address: string): Ref<Q>;
}

/** What a handler of message `T` may return: its reply, now or {@link Later}, or anything for a one-way message. */
export type HandlerResult<P extends Protocol, T extends Tag<P>> = T extends AskTag<P>
  ? ReplyOf<P, T> | Promise<ReplyOf<P, T>> | Later<ReplyOf<P, T>>
  : unknown;

/** One handler per message; the state is the handler's to change. */
export type Handlers<P extends Protocol, S> = {
  readonly [T in Tag<P>]: (
    state: NoInfer<S>,
    body: BodyOf<P, T>,
    context: Context<P>,
  ) => HandlerResult<P, T>;
};

/** What {@link actor} is given. */
export interface ActorSpec<P extends Protocol, S, A> {
  readonly mailbox?: MailboxOptions;
  readonly children?: ChildrenPolicy;
  /** Makes the first state, at start and at every restart. Throwing means that the start failed. */
  readonly state: (args: A, context: Context<P>) => S;
  readonly on: Handlers<P, S>;
  /** A task settled. Without this, a failed task fails the actor. */
  readonly done?: (state: NoInfer<S>, task: TaskEnd, context: Context<P>) => unknown;
  /** A watched actor is gone. */
  readonly ended?: (state: NoInfer<S>, end: Ended, context: Context<P>) => unknown;
  /** Frees what the state holds, after children, handler and tasks are done, before a restart too. */
  readonly stopping?: (state: NoInfer<S>, reason: "stopped" | "failed") => unknown;
}

/** A handler with its types erased. */
export interface ErasedHandler {
  readonly run: (state: unknown, body: unknown, context: unknown) => unknown;
  /** Declared `async`: its awaits must keep the call chain. */
  readonly isAsync: boolean;
}

/** An actor's behaviour; spawn it with a node or a context. */
export interface ActorDefinition<P extends Protocol, A> {
  readonly protocol: P;
  readonly capacity: number;
  readonly full: FullPolicy;
  readonly children: ChildrenPolicy;
  readonly start: (args: A, context: Context<P>) => unknown;
  readonly handlers: Readonly<Record<string, ErasedHandler>>;
  readonly done: ErasedHandler | null;
  readonly ended: ErasedHandler | null;
  readonly stopping: ((state: unknown, reason: "stopped" | "failed") => unknown) | null;
}

const AsyncFunction = (async () => {}).constructor;

function erase(handler: unknown): ErasedHandler {
  return {
    run: handler as ErasedHandler["run"],
    isAsync: (handler as object).constructor === AsyncFunction,
  };
}

/**
 * Defines an actor that speaks `protocol`.
 *
 * @example
 * ```ts
 * import { z } from "zod";
 * import { actor, ask, protocol, tell } from "@quorus/quorus";
 *
 * const Counter = protocol("demo.counter", { version: 1, messages: {
 *   add: tell(z.object({ amount: z.number() })),
 *   total: ask(z.object({}), z.number()),
 * } });
 * const counter = actor(Counter, {
 *   state: (args: { from: number }) => ({ total: args.from }),
 *   on: {
 *     add: (state, { amount }) => { state.total += amount; },
 *     total: (state) => state.total,
 *   },
 * });
 * ```
 */
export function actor<P extends Protocol, S, A>(
  protocol: P,
  spec: ActorSpec<P, S, A>,
): ActorDefinition<P, A> {
  const capacity = spec.mailbox?.capacity ?? ACTOR_LIMITS.mailboxMessages.value;
  if (!Number.isSafeInteger(capacity) || capacity < 1) {
    throw new ActorError("TooMany", `define actor of ${protocol.name}: mailbox capacity >= 1`);
  }
  const handlers: Record<string, ErasedHandler> = Object.create(null);
  for (const tag of Object.keys(protocol.messages)) {
    handlers[tag] = erase((spec.on as Record<string, unknown>)[tag]);
  }
  return {
    protocol,
    capacity,
    full: spec.mailbox?.full ?? "reject",
    children: spec.children ?? {},
    start: spec.state,
    handlers,
    done: spec.done === undefined ? null : erase(spec.done),
    ended: spec.ended === undefined ? null : erase(spec.ended),
    stopping: (spec.stopping as ActorDefinition<P, A>["stopping"] | undefined) ?? null,
  };
}
