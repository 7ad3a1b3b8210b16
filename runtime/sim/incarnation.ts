/**
 * One life of a simulated process. Every call of its Env passes here, takes virtual time, and is a
 * point where it can crash: then its pending calls never settle, and what they were about to do may
 * or may not have happened.
 */

import type { TimerHandle } from "../env/env.ts";
import type { SeededRandom } from "./random.ts";
import type { World } from "./world.ts";

/** How long a call takes: seeded, uniform between the two. */
export interface DelayMs {
  readonly low: number;
  readonly high: number;
}

interface Pending {
  readonly event: TimerHandle;
  readonly cut: ((random: SeededRandom) => void) | undefined;
}

/** The gate between a process and its world. */
export class Incarnation {
  readonly world: World;
  readonly name: string;
  readonly #random: SeededRandom;
  readonly #pending = new Set<Pending>();
  #alive = true;

  constructor(world: World, name: string) {
    this.world = world;
    this.name = name;
    this.#random = world.random.stream(`${name}/calls`);
  }

  get alive(): boolean {
    return this.#alive;
  }

  /** Lets `fn` happen after `delayMs`, unless this life ends first. */
  after(delayMs: number, label: string, fn: () => void): TimerHandle {
    return this.#schedule(delayMs, label, fn, undefined);
  }

  /**
   * A call: `effect` happens when it completes. If this life ends before, `cut` decides what of the
   * effect happened (nothing, where there is none).
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
        try {
          resolve(effect());
        } catch (thrown) {
          reject(thrown);
        }
      }, cut);
    });
  }

  /** Ends this life. */
  end(): void {
    this.#alive = false;
    const pending = [...this.#pending];
    this.#pending.clear();
    for (const call of pending) {
      call.event.cancel();
      call.cut?.(this.#random);
    }
  }

  #schedule(
    delayMs: number,
    label: string,
    fn: () => void,
    cut: ((random: SeededRandom) => void) | undefined,
  ): TimerHandle {
    if (!this.#alive) return { cancel: () => {} };
    const event = this.world.schedule(delayMs, `${this.name} ${label}`, () => {
      this.#pending.delete(pending);
      fn();
    });
    const pending: Pending = { event, cut };
    this.#pending.add(pending);
    return {
      cancel: () => {
        event.cancel();
        this.#pending.delete(pending);
      },
    };
  }
}
