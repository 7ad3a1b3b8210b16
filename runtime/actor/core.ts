/** What all actors of one node share. */

import { AsyncLocalStorage } from "node:async_hooks";
import type { Env } from "../env/env.ts";
import { DeadLetters } from "./dead_letters.ts";
import { Deadlines } from "./deadlines.ts";
import type { AskTarget, CallFrame } from "./envelope.ts";
import type { ActorLimits } from "./limits.ts";
import { Scheduler } from "./scheduler.ts";

/** The node's options that its actors need. */
export interface CoreOptions {
  readonly id: string;
  readonly limits: ActorLimits;
  readonly roundTripMessages: boolean;
  /** The node cannot go on: an actor would not settle, or its top supervisor failed. */
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
}

/** Scheduler, deadlines, names and counters of one node. */
export class Core<C extends AskTarget> {
  readonly env: Env;
  readonly id: string;
  readonly limits: ActorLimits;
  readonly roundTrip: boolean;
  readonly fatal: (error: unknown) => void;
  readonly scheduler: Scheduler;
  readonly deadlines: Deadlines;
  readonly deadLetters: DeadLetters;
  readonly counters = new Counters();
  /** Every living actor by path. */
  readonly cells = new Map<string, C>();
  /** The actor whose handler runs in this very call stack. */
  active: C | null = null;
  readonly #frames = new AsyncLocalStorage<CallFrame | undefined>();

  constructor(env: Env, options: CoreOptions) {
    this.env = env;
    this.id = options.id;
    this.limits = options.limits;
    this.roundTrip = options.roundTripMessages;
    this.fatal = options.fatal;
    this.deadlines = new Deadlines(env.clock, env.timers);
    this.deadLetters = new DeadLetters(env, options.limits.deadLettersPerSecond);
    this.scheduler = new Scheduler(env.clock, env.timers, options.limits, {
      slow: (actor, tookMs) =>
        env.log.write("warn", "slow handler", { actor: actor.address, tookMs }),
      defect: (error) => options.fatal(error),
    });
  }

  /** The handler this code runs in: in its call stack, or after an await of an async handler. */
  frame(): CallFrame | null {
    const cell = this.active;
    if (cell !== null) {
      return cell.handling === null ? null : { cell, envelope: cell.handling };
    }
    const frame = this.#frames.getStore();
    return frame !== undefined && frame.cell.handling === frame.envelope ? frame : null;
  }

  /** Runs an async handler so that its awaits keep the frame. */
  within<R>(frame: CallFrame, run: () => R): R {
    return this.#frames.run(frame, run);
  }

  /** Runs code that belongs to no handler, such as a task. */
  outside<R>(run: () => R): R {
    const active = this.active;
    this.active = null;
    try {
      return this.#frames.run(undefined, run);
    } finally {
      this.active = active;
    }
  }
}
