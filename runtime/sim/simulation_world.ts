/** A world that can be watched: between any two events, and in what is still to happen. */

import type { TimerHandle } from "../env/env.ts";
import { World } from "./world.ts";

/** What a watched world tells. */
export interface WorldWatch {
  /** After each event and its microtasks, before the next one; what it throws ends the run. */
  between: (() => void) | null;
  /** A note of the world: crashes, cuts, healings. */
  noted: ((atMs: number, label: string) => void) | null;
}

/** A {@link World} with its number of events and the names of those that wait. */
export class SimulationWorld extends World {
  readonly watch: WorldWatch = { between: null, noted: null };
  readonly #waiting = new Set<{ readonly label: string }>();
  #events = 0;

  /** Events that happened. */
  get events(): number {
    return this.#events;
  }

  /** What is scheduled and was not cancelled. */
  waiting(): string[] {
    return [...this.#waiting].map(({ label }) => label);
  }

  override schedule(delayMs: number, label: string, happen: () => void): TimerHandle {
    const entry = { label };
    const handle = super.schedule(delayMs, label, () => {
      this.watch.between?.();
      this.#waiting.delete(entry);
      this.#events += 1;
      happen();
    });
    this.#waiting.add(entry);
    return {
      cancel: () => {
        this.#waiting.delete(entry);
        handle.cancel();
      },
    };
  }

  override note(label: string): void {
    super.note(label);
    this.watch.noted?.(this.nowMs, label);
  }
}
