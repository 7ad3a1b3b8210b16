/** What all actors of one node share. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { InboundHead } from "./bridge.ts";
import type { Env } from "../env/env.ts";
import { DeadLetters } from "./dead_letters.ts";
import { Deadlines } from "./deadlines.ts";
import type { CallFrame, Envelope, FrameCell } from "./envelope.ts";
import { ActorError } from "./errors.ts";
import type { ActorLimits } from "./limits.ts";
import { Links } from "./links.ts";
import { Scheduler, Work } from "./scheduler.ts";
import { isTraceparent, traceOf } from "./trace.ts";

/** The node's options that its actors need. */
export interface CoreOptions {
  readonly id: string;
  readonly limits: ActorLimits;
  readonly roundTripMessages: boolean;
  /** The node cannot go on: an actor would not settle, or its top supervisor failed. */
  readonly admit: (message: InboundHead) => boolean;
  readonly fatal: (error: unknown) => void;
}

/** Counters of one node; they only grow. */
export class Counters {
  restarts = 0;
  failures = 0;
  dropped = 0;
  full = 0;
  expiredAsks = 0;
  stalledSends = 0;
  /** The deepest mailbox so far, and the longest that a message waited in one. */
  mailboxDepthHigh = 0;
  oldestMessageMsHigh = 0;
}

/** Where code runs that is in no actor's call stack: after an await, in a task, in `traced`. */
interface Scope<C> {
  readonly cell: C | null;
  /** The message whose async handler this is; `null` in tasks and outside actors. */
  readonly envelope: Envelope | null;
  readonly trace: string | null;
}

/** Scheduler, deadlines, names and counters of one node. */
export class Core<C extends FrameCell> {
  readonly env: Env;
  readonly id: string;
  readonly limits: ActorLimits;
  readonly roundTrip: boolean;
  readonly admit: (message: InboundHead) => boolean;
  readonly fatal: (error: unknown) => void;
  readonly scheduler: Scheduler;
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetters;
  readonly counters = new Counters();
  readonly links = new Links();
  readonly #work = new Map<string, Work>();
  /** Every living actor by path. */
  readonly cells = new Map<string, C>();
  /** The actor whose handler runs in this very call stack. */
  active: C | null = null;
  /** Some message of this node belongs to a trace; until then nothing looks for one. */
  tracing = false;
  readonly #scopes = new AsyncLocalStorage<Scope<C> | undefined>();
  /** The trace of the `traced` call further up in this call stack. */
  #traced: string | null = null;

  constructor(env: Env, options: CoreOptions) {
    this.env = env;
    this.id = options.id;
    this.limits = options.limits;
    this.roundTrip = options.roundTripMessages;
    this.admit = options.admit;
    this.fatal = options.fatal;
    this.deadlines = new Deadlines(env.clock, env.timers);
    this.deadLetters = new DeadLetters(env, options.limits.deadLettersPerSecond);
    this.scheduler = new Scheduler(env.clock, env.timers, options.limits, {
      slow: (actor, tookMs) =>
        env.log.write("warn", "slow handler", { actor: actor.address, tookMs }),
      defect: (error) => options.fatal(error),
    });
  }

  /** Account of the actors of one message protocol. */
  workOf(protocol: string): Work {
    let work = this.#work.get(protocol);
    if (work === undefined) this.#work.set(protocol, work = new Work());
    return work;
  }

  /** Those accounts, by name of the protocol. */
  get work(): ReadonlyMap<string, Work> {
    return this.#work;
  }

  /** The handler this code runs in: in its call stack, or after an await of an async handler. */
  frame(): CallFrame | null {
    const cell = this.active;
    if (cell !== null) {
      return cell.handling === null ? null : { cell, envelope: cell.handling };
    }
    const scope = this.#scopes.getStore();
    return scope !== undefined && isFrame(scope) ? scope : null;
  }

  /** Address of the actor in whose handler this code runs; `null` in tasks and outside actors. */
  sender(): string | null {
    if (this.active !== null) return this.active.address;
    return this.frame()?.cell.address ?? null;
  }

  /** The `traceparent` that messages sent from here carry. */
  trace(): string | null {
    if (!this.tracing) return null;
    if (this.#traced !== null) return this.#traced;
    if (this.active !== null) return traceOf(this.active.handling);
    return this.#scopes.getStore()?.trace ?? null;
  }

  /** Messages may belong to traces from now on. */
  startTracing(): void {
    this.tracing = true;
    this.scheduler.alone ??= (run) => this.#scopes.run(undefined, run);
  }

  /** Runs code whose messages, tasks and awaits belong to a trace. */
  traced<R>(trace: string, run: () => R): R {
    if (!isTraceparent(trace)) {
      throw new ActorError("BadName", `trace with "${trace}": it is no W3C traceparent`);
    }
    this.startTracing();
    const frame = this.frame();
    const cell = (frame?.cell ?? null) as C | null;
    const envelope = frame?.envelope ?? null;
    const before = this.#traced;
    this.#traced = trace;
    try {
      return this.#scopes.run({ cell, envelope, trace }, run);
    } finally {
      this.#traced = before;
    }
  }

  /** Runs an async handler so that its awaits keep the frame. */
  within<R>(frame: { readonly cell: C; readonly envelope: Envelope }, run: () => R): R {
    const { cell, envelope } = frame;
    return this.#scopes.run({ cell, envelope, trace: traceOf(envelope) }, run);
  }

  /** Runs code of an actor that belongs to no handler: a task. */
  beside<R>(run: () => R): R {
    const trace = this.trace();
    const scope = trace === null ? undefined : { cell: null, envelope: null, trace };
    const active = this.active;
    this.active = null;
    try {
      return this.#scopes.run(scope, run);
    } finally {
      this.active = active;
    }
  }
}

/** An await of an async handler that still runs. */
function isFrame<C extends FrameCell>(scope: Scope<C>): scope is Scope<C> & CallFrame {
  return scope.cell !== null && scope.envelope !== null && scope.cell.handling === scope.envelope;
}
