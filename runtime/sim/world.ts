/**
 * A world on virtual time: one seeded queue of events, one thread.
 *
 * Time moves only from event to event, and the next event happens only when every microtask of the
 * last one has run; so a run is a function of its seed.
 */

import { assert } from "../base/assert.ts";
import { messageOf } from "../base/errors.ts";
import { limitValues } from "../base/limits.ts";
import type { TimerHandle } from "../env/env.ts";
// Whose code is running; it reads no clock.
// deno-lint-ignore quorus/layers
import { AsyncOwners } from "../env/real/async_owner.ts";
// A turn of the real event loop is the only way to know that all microtasks ran; it reads no clock.
// deno-lint-ignore quorus/layers
import { drain, inNextTurn, nextTurn } from "../env/real/turn.ts";
// The one place where a process of the real event loop learns what nobody handled.
// deno-lint-ignore quorus/layers
import { onUnhandledRejection } from "../env/real/unhandled.ts";
import type { SimulatedEnv } from "./env.ts";
import { EventQueue } from "./event_queue.ts";
import { SIM_LIMITS } from "./limits.ts";
import { SimNetwork } from "./network.ts";
import { SeededRandom } from "./random.ts";
import { type SimHandler, SimHosts } from "./hosts.ts";
import { SimError } from "./sim_error.ts";
import type { Owner, VirtualTime } from "./time.ts";
import { Trace } from "./trace.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** How a world treats what nobody handles. */
export interface WorldOptions {
  /**
   * Told when a process is crashed because of an exception or a rejection that nobody handled. Without
   * it nobody is blamed: an exception leaves `run`, and a rejection ends the real process, as a test
   * wants it.
   */
  readonly onUnhandled?: (process: string, reason: unknown) => void;
  /** How many lines of the trace are kept for reading; `traceLines` of the limits unless given. */
  readonly traceLines?: number;
}

/** What a Worker's module does with its Env. */
export type WorkerMain = (env: SimulatedEnv) => void;

/** Virtual time, the queue of events and the hosts that requests reach. */
export class World implements VirtualTime {
  readonly seed: number;
  readonly random: SeededRandom;
  readonly hosts = new SimHosts();
  readonly network: SimNetwork;
  readonly #queue = new EventQueue();
  readonly #trace: Trace;
  readonly #owners = new AsyncOwners<Owner>();
  readonly #modules = new Map<string, WorkerMain>();
  readonly #options: WorldOptions;
  #nowMs = 0;
  #events = 0;

  constructor(seed: number, options: WorldOptions = {}) {
    this.seed = seed;
    this.#options = options;
    this.#trace = new Trace(options.traceLines ?? LIMITS.traceLines);
    this.random = new SeededRandom(seed, "world");
    this.network = new SimNetwork(this);
  }

  /** Virtual milliseconds since the world began; fractions count. */
  get nowMs(): number {
    return this.#nowMs;
  }

  /** Events that happened. */
  get events(): number {
    return this.#events;
  }

  /** Labels of what is scheduled and was not cancelled. */
  waiting(): string[] {
    return this.#queue.labels();
  }

  /** Lets `happen` happen after `delayMs`; `label` goes into the trace. */
  schedule(delayMs: number, label: string, happen: () => void): TimerHandle {
    return this.#queue.add(this.#nowMs + Math.max(0, delayMs), label, happen);
  }

  /** Adds a line to the trace. */
  note(label: string): void {
    this.#trace.add(this.#nowMs, label);
  }

  /** Runs `fn` as `owner`, and so everything that it starts and awaits. */
  as<T>(owner: Owner, fn: () => T): T {
    return this.#options.onUnhandled === undefined ? fn() : this.#owners.run(owner, fn);
  }

  /** Blames `owner` for what nobody handled; false where this world blames nobody. */
  blame(owner: Owner, reason: unknown): boolean {
    const { onUnhandled } = this.#options;
    if (onUnhandled === undefined) return false;
    this.note(`${owner.name} did not handle: ${messageOf(reason)}`);
    if (owner.unhandled(reason)) onUnhandled(owner.name, reason);
    return true;
  }

  /** Says what a Worker that is started with `specifier` runs. */
  workerModule(specifier: string, main: WorkerMain): void {
    this.#modules.set(specifier, main);
  }

  /** What a Worker that is started with `specifier` runs. */
  workerMain(specifier: string): WorkerMain | undefined {
    return this.#modules.get(specifier);
  }

  /** Answers requests to `host` (as in a URL: name, or name and port). */
  serve(host: string, handler: SimHandler): void {
    this.hosts.set(host, handler);
  }

  /** Lets everything happen up to the virtual time `untilMs`, and moves the clock there. */
  async run(untilMs: number): Promise<void> {
    await this.#while(() => this.#queue.nextAtMs() <= untilMs);
    if (Number.isFinite(untilMs)) this.#nowMs = Math.max(this.#nowMs, untilMs);
  }

  /** Lets `ms` of virtual time pass. */
  async pass(ms: number): Promise<void> {
    await this.run(this.#nowMs + ms);
  }

  /** Lets one event happen and its microtasks run; false if there was none. */
  async step(): Promise<boolean> {
    await nextTurn();
    const happened = this.#happenNext();
    await nextTurn();
    return happened;
  }

  /** Lets everything happen until nothing is left to happen. */
  async settle(): Promise<void> {
    await this.#while(() => true);
  }

  /** Lets things happen until `work` settles, and gives its result. */
  async complete<T>(work: Promise<T>): Promise<T> {
    let settled = false;
    const watched = work.finally(() => settled = true);
    watched.catch(() => {});
    await this.#while(() => !settled);
    if (!settled) {
      throw new SimError(
        "stuck",
        `cannot complete the work: at ${this.#nowMs} ms of seed ${this.seed} nothing is left that could settle it; look for a call of a crashed Env or a missing event`,
      );
    }
    return await watched;
  }

  /** A hash over everything that happened so far. */
  traceHash(): string {
    return this.#trace.hash();
  }

  /** The last lines of what happened. */
  traceLines(): readonly string[] {
    return this.#trace.lines();
  }

  /** Called after each event and its microtasks, before the next one; what it throws ends the run. */
  protected between(): void {}

  async #while(goOn: () => boolean): Promise<void> {
    if (this.#options.onUnhandled === undefined) return await this.#happenWhile(goOn);
    const stop = onUnhandledRejection((reason) => {
      const owner = this.#owners.current();
      return owner !== undefined && this.blame(owner, reason);
    });
    try {
      await this.#happenWhile(goOn);
      await nextTurn(); // Rejections are told after the turn in which they happened.
    } finally {
      stop();
    }
  }

  async #happenWhile(goOn: () => boolean): Promise<void> {
    for (let left = LIMITS.events; left > 0;) {
      const count = await inNextTurn(() => this.#happenSome(Math.min(left, LIMITS.batch), goOn));
      if (count === null) return;
      left -= count;
    }
    throw new SimError(
      "restless",
      `cannot rest: ${LIMITS.events} events happened by ${this.#nowMs} ms of seed ${this.seed}; use run(untilMs) where timers repeat`,
    );
  }

  /** Lets at most `most` events happen in one turn of the real event loop; `null` at the end. */
  #happenSome(most: number, goOn: () => boolean): number | null {
    drain?.();
    for (let count = 0; count < most; count += 1) {
      if (!goOn() || !this.#happenNext()) return null;
      if (drain === null) return 1;
      drain();
    }
    return most;
  }

  #happenNext(): boolean {
    const atMs = this.#queue.nextAtMs();
    const event = this.#queue.take();
    if (event === undefined) return false;
    assert(atMs >= this.#nowMs, "virtual time does not go back");
    this.#nowMs = atMs;
    this.#trace.add(atMs, event.label);
    this.between();
    this.#events += 1;
    event.happen();
    return true;
  }
}
