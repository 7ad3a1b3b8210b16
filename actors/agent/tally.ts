/** What an agent has done since it started, for its heartbeats; and when it has nothing left to do. */

import { AgentMeter } from "./meter.ts";

/** Counts of one agent. */
export class Tally {
  /** What is counted for metrics beside. */
  readonly meter = new AgentMeter();
  active = 0;
  completed = 0;
  failed = 0;
  /** Fetched from sources. */
  bytesTransferred = 0;
  lastCompletionMs: number | null = null;
  #waiting: (() => void)[] = [];

  began(): void {
    this.active += 1;
  }

  /** An attempt is gone, however it ended. */
  ended(): void {
    this.active -= 1;
    if (this.active > 0) return;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  /** Resolves when no attempt is under way. */
  whenIdle(): Promise<void> {
    if (this.active === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
