/**
 * Turns: which actor runs next, and when timers and I/O run in between.
 *
 * Microtasks starve timers (a 5 ms timer did not fire in a 300 ms microtask loop, Deno 2.9), so the
 * budget spans microtask turns and only the event loop's next turn renews it.
 */

import type { Clock, Timers } from "../env/env.ts";
import { Histogram } from "../telemetry/histogram.ts";
import type { ActorLimits } from "./limits.ts";

/** An actor as the scheduler sees it. */
export interface Runnable {
  /** Handles up to `limit` messages and returns how many; sets itself ready again if more wait. */
  run(limit: number): number;
  readonly address: string;
  /** Shared by all actors of a message protocol. */
  readonly work: Work;
}

/** Work done since start by the actors of one message protocol. */
export class Work {
  handled = 0;
  /** Exact for handlers that block; fast ones share a clock reading with their neighbours. */
  busyMs = 0;
}

/** What the scheduler tells its node. */
export interface SchedulerEvents {
  slow(actor: Runnable, tookMs: number): void;
  defect(error: unknown): void;
}

const RESOLVED = Promise.resolve();
const FAST_MS = 0.5;
const HANDLER_BOUNDS_MS = [0.01, 0.1, 1, 10, 100, 1_000];

/** Runs ready actors in turn, within a budget per turn of the event loop. */
export class Scheduler {
  /** The latest {@link stampNow}. */
  stamp = 0;
  /** Messages handled. */
  handled = 0;
  /** Milliseconds a handler held the thread, per message; its sum is the time spent in handlers. */
  readonly handlerMs = new Histogram(HANDLER_BOUNDS_MS);
  /**
   * Set where it matters: runs a turn in no async context, since it inherits that of whoever woke the
   * first actor. It halves the rate of asks that are awaited one by one.
   */
  alone: ((run: () => void) => void) | null = null;

  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #limits: ActorLimits;
  readonly #events: SchedulerEvents;
  #ready: Runnable[] = [];
  #head = 0;
  #planned = false;
  #messagesLeft: number;
  #msLeft: number;
  #chunk = 1;
  #closed = false;

  constructor(clock: Clock, timers: Timers, limits: ActorLimits, events: SchedulerEvents) {
    this.#clock = clock;
    this.#timers = timers;
    this.#limits = limits;
    this.#events = events;
    this.#messagesLeft = limits.turnMessages;
    this.#msLeft = limits.turnMs;
  }

  /**
   * The coarse time stamp of messages: milliseconds as a 32-bit integer (it wraps). While a turn is
   * planned it is as old as the last reading of the turn; so a burst costs one reading.
   */
  stampNow(): number {
    if (!this.#planned) this.stamp = this.#clock.monotonic() | 0;
    return this.stamp;
  }

  /** Queues an actor that has messages; it must not be queued already. */
  ready(actor: Runnable): void {
    this.#ready.push(actor);
    if (this.#planned) return;
    this.#planned = true;
    RESOLVED.then(this.#turn);
  }

  /** No actor runs any more. */
  close(): void {
    this.#closed = true;
    this.#ready = [];
    this.#head = 0;
  }

  readonly #turn = (): void => {
    if (this.#closed) return;
    try {
      if (this.alone === null) this.#runReady();
      else this.alone(this.#runReady);
    } catch (error) {
      this.#events.defect(error);
      return;
    }
    if (this.#head === this.#ready.length) {
      this.#ready.length = 0;
      this.#head = 0;
      this.#planned = false;
    } else {
      this.#timers.soon(this.#nextLoop);
    }
  };

  readonly #nextLoop = (): void => {
    this.#messagesLeft = this.#limits.turnMessages;
    this.#msLeft = this.#limits.turnMs;
    this.#chunk = 1;
    this.#turn();
  };

  readonly #runReady = (): void => {
    let atMs = this.#clock.monotonic();
    this.stamp = atMs | 0;
    let sinceCheck = 0;
    let last: Runnable = IDLE;
    while (this.#head < this.#ready.length && this.#messagesLeft > 0 && this.#msLeft > 0) {
      const actor = this.#ready[this.#head]!;
      this.#head += 1;
      if (this.#head >= 1_024) this.#compact();
      const count = actor.run(this.#chunk);
      last = actor;
      actor.work.handled += count;
      this.handled += count;
      this.#messagesLeft -= count;
      sinceCheck += count;
      if (sinceCheck < this.#chunk) continue;
      const nowMs = this.#clock.monotonic();
      this.#account(actor, nowMs - atMs, sinceCheck);
      this.stamp = nowMs | 0;
      atMs = nowMs;
      sinceCheck = 0;
    }
    if (sinceCheck > 0) this.#account(last, this.#clock.monotonic() - atMs, sinceCheck);
  };

  /** Fast handlers share a clock reading, slow ones get one each. */
  #account(actor: Runnable, tookMs: number, count: number): void {
    this.#msLeft -= tookMs;
    this.handlerMs.add(tookMs / count, count);
    actor.work.busyMs += tookMs;
    this.#chunk = tookMs < FAST_MS ? Math.min(this.#chunk * 2, this.#limits.actorMessages) : 1;
    if (tookMs >= this.#limits.slowTurnMs) this.#events.slow(actor, tookMs);
  }

  #compact(): void {
    this.#ready = this.#ready.slice(this.#head);
    this.#head = 0;
  }
}

const IDLE: Runnable = { run: () => 0, address: "", work: new Work() };
