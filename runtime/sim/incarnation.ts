/**
 * One life of a simulated process. Every call of its Env passes here, takes virtual time, and is a
 * point where it can crash: then its pending calls never settle, and what they were about to do may
 * or may not have happened.
 *
 * Its code runs in turns, one at a time, and a turn costs time: while the process is busy or stopped,
 * its turns wait in line. What its kernel does (a write that lands, a frame that arrives) does not.
 */

import { limitValues } from "../base/limits.ts";
import type { TimerHandle } from "../env/env.ts";
import { SIM_LIMITS } from "./limits.ts";
import type { SeededRandom } from "./random.ts";
import type { Owner, VirtualTime } from "./time.ts";

const LIMITS = limitValues(SIM_LIMITS);

/** How long a call takes: seeded, uniform between the two. */
export interface DelayMs {
  readonly low: number;
  readonly high: number;
}

/** How a process ends: alone (its kernel lives on) or with the machine's power. */
export type CrashKind = "process" | "power";

/** What a process runs on. */
export interface Processor {
  /** What one turn of a process costs. */
  turnMs: number;
}

type Cut = ((random: SeededRandom) => void) | undefined;

/** Something that this process waits for; it is in the set of all until it happens or is cancelled. */
class Pending implements TimerHandle {
  readonly cut: Cut;
  event: TimerHandle | null = null;
  isCancelled = false;
  readonly #all: Set<Pending>;

  constructor(all: Set<Pending>, cut: Cut) {
    this.#all = all;
    this.cut = cut;
    all.add(this);
  }

  happened(): void {
    this.#all.delete(this);
  }

  cancel(): void {
    this.isCancelled = true;
    this.event?.cancel();
    this.#all.delete(this);
  }
}

const NOTHING: TimerHandle = { cancel: () => {} };

interface Turn {
  readonly label: string;
  readonly fn: () => void;
}

/** Sums of fractions are off by less than this. */
const ROUNDING_MS = 1e-9;

/** The gate between a process and its world. */
export class Incarnation implements Owner {
  readonly world: VirtualTime;
  readonly name: string;
  readonly #processor: Processor;
  readonly #random: SeededRandom;
  readonly #pending = new Set<Pending>();
  readonly #labels = new Map<string, string>();
  readonly #endings = new Set<(kind: CrashKind) => void>();
  readonly #threads = new Set<Incarnation>();
  readonly #onUnhandled: (reason: unknown) => void;
  #line: Turn[] = [];
  #nextTurn: TimerHandle | null = null;
  #busyUntilMs = -Infinity;
  #stopped = false;
  #alive = true;

  constructor(
    world: VirtualTime,
    name: string,
    processor: Processor,
    onUnhandled: (reason: unknown) => void,
  ) {
    this.world = world;
    this.name = name;
    this.#processor = processor;
    this.#onUnhandled = onUnhandled;
    this.#random = world.random.stream(`${name}/calls`);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** It runs no turns, as after SIGSTOP. */
  get stopped(): boolean {
    return this.#stopped;
  }

  /** Lets `fn` happen after `delayMs` in a turn of its own, unless this life ends first. */
  after(delayMs: number, label: string, fn: () => void): TimerHandle {
    if (!this.#alive) return NOTHING;
    const turn = (): void => {
      if (!pending.isCancelled) fn();
    };
    const pending = this.#schedule(delayMs, label, () => this.turn(label, turn), undefined);
    return pending;
  }

  /** The next free moment of this process, at least `delayMs` from now. */
  freeAfterMs(delayMs: number): number {
    return Math.max(delayMs, this.#busyUntilMs - this.world.nowMs);
  }

  /**
   * A call: `effect` happens when it completes, whatever the process does meanwhile; the result takes
   * a turn. If this life ends before, `cut` decides what of the effect happened (nothing, where there
   * is none).
   */
  call<T>(
    label: string,
    delay: DelayMs,
    effect: () => T,
    cut?: (random: SeededRandom) => void,
  ): Promise<T> {
    if (!this.#alive) return new Promise(() => {});
    const delayMs = delay.low + this.#random.next() * (delay.high - delay.low);
    return new Promise((resolve, reject) => {
      this.#schedule(delayMs, label, () => {
        let settle: () => void;
        try {
          const value = effect();
          settle = () => resolve(value);
        } catch (thrown) {
          settle = () => reject(thrown);
        }
        this.turn(label, settle);
      }, cut);
    });
  }

  /** Runs `fn` as this process: now if it is free, else when it is. */
  turn(label: string, fn: () => void): void {
    if (!this.#alive) return;
    const isBusy = this.world.nowMs + ROUNDING_MS < this.#busyUntilMs;
    if (isBusy || this.#stopped || this.#line.length > 0) {
      this.#line.push({ label, fn });
      this.#wake();
    } else this.#run(fn);
  }

  /** Stops the process where it stands (SIGSTOP); its kernel goes on. */
  stop(): void {
    this.#stopped = true;
    this.#nextTurn?.cancel();
    this.#nextTurn = null;
    for (const thread of this.#threads) thread.stop();
  }

  /** Lets it go on (SIGCONT). */
  resume(): void {
    this.#stopped = false;
    this.#wake();
    for (const thread of this.#threads) thread.resume();
  }

  /** Makes `thread` a part of this process: it stops with it, and never outlives it. */
  adopt(thread: Incarnation): void {
    this.#threads.add(thread);
    const leave = this.onEnd((kind) => thread.end(kind));
    thread.onEnd(() => {
      leave();
      this.#threads.delete(thread);
    });
  }

  /** Calls `fn` when this life ends; returns how to take that back. */
  onEnd(fn: (kind: CrashKind) => void): () => void {
    this.#endings.add(fn);
    return () => this.#endings.delete(fn);
  }

  unhandled(reason: unknown): boolean {
    if (!this.#alive) return false;
    this.#onUnhandled(reason);
    return true;
  }

  /** Ends this life. */
  end(kind: CrashKind): void {
    if (!this.#alive) return;
    this.#alive = false;
    this.#nextTurn?.cancel();
    this.#line = [];
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const call of pending) {
      call.cancel();
      call.cut?.(this.#random);
    }
    const endings = [...this.#endings];
    this.#endings.clear();
    for (const ending of endings) ending(kind);
  }

  #run(fn: () => void): void {
    this.#busyUntilMs = this.world.nowMs + this.#processor.turnMs;
    try {
      this.world.as(this, fn);
    } catch (thrown) {
      if (!this.world.blame(this, thrown)) throw thrown;
    }
  }

  #wake(): void {
    const next = this.#line[0];
    if (this.#nextTurn !== null || this.#stopped || next === undefined) return;
    const waitMs = this.#busyUntilMs - this.world.nowMs;
    this.#nextTurn = this.world.schedule(waitMs, `${this.name} late ${next.label}`, () => {
      this.#nextTurn = null;
      this.#line.shift();
      this.#run(next.fn);
      this.#wake();
    });
  }

  #schedule(delayMs: number, label: string, fn: () => void, cut: Cut): Pending {
    const pending = new Pending(this.#pending, cut);
    pending.event = this.world.schedule(delayMs, this.#labelOf(label), () => {
      pending.happened();
      fn();
    });
    return pending;
  }

  /** Most labels come again and again: one text for each is hashed faster than many equal ones. */
  #labelOf(label: string): string {
    let full = this.#labels.get(label);
    if (full !== undefined) return full;
    full = `${this.name} ${label}`;
    if (this.#labels.size < LIMITS.labels) this.#labels.set(label, full);
    return full;
  }
}
