/** So many at a time, and that number may change: who begins waits for a turn. */

import type { Timers } from "../../runtime/env/env.ts";
import { pause } from "./pause.ts";

/** See the head of this file. */
export class Turns {
  #most: number;
  readonly #underWay = new Set<Promise<void>>();
  #taken = 0;
  #waiting: (() => void)[] = [];
  /** Turns that were asked for since {@link Turns.wasFull}, and those of them that had to wait. */
  #asked = 0;
  #waited = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** So many from now on; what is under way goes on. */
  set most(most: number) {
    this.#most = most;
    this.#look();
  }

  /** Resolves when one more may run; rejects with the signal's reason. */
  async take(signal: AbortSignal): Promise<void> {
    this.#asked += 1;
    if (this.#taken >= this.#most) this.#waited += 1;
    while (this.#taken >= this.#most) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    signal.throwIfAborted();
    this.#taken += 1;
  }

  /** Runs it in the turn that was taken; it never rejects. */
  run(one: Promise<void>): void {
    const tracked = one.finally(() => {
      this.#underWay.delete(tracked);
      this.#taken -= 1;
      this.#look();
    });
    this.#underWay.add(tracked);
  }

  /** Whoever has a turn gives it back, and has another one after a while. */
  async again(timers: Timers, afterMs: number, signal: AbortSignal): Promise<void> {
    this.#taken -= 1;
    this.#look();
    try {
      await pause(timers, afterMs, signal);
      await this.take(signal);
    } catch (error) {
      // It ends with the turn that it has begun with.
      this.#taken += 1;
      throw error;
    }
  }

  /** Resolves when nothing is under way. */
  async ended(): Promise<void> {
    while (this.#underWay.size > 0) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  /** The number alone has held others back, since this was asked last: most that asked had to wait. */
  wasFull(): boolean {
    const [asked, waited] = [this.#asked, this.#waited];
    [this.#asked, this.#waited] = [0, 0];
    return asked === 0 ? this.#taken >= this.#most : waited * 2 >= asked;
  }

  #look(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
