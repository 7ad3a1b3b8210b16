/** A world that can be watched. */

import { World } from "./world.ts";

/** What a watched world tells. */
export interface WorldWatch {
  /** After each event and its microtasks, before the next one; what it throws ends the run. */
  between: (() => void) | null;
  /** A note of the world: crashes, cuts, healings. */
  noted: ((atMs: number, label: string) => void) | null;
}

/** A {@link World} that tells what happens in it. */
export class SimulationWorld extends World {
  readonly watch: WorldWatch = { between: null, noted: null };

  override note(label: string): void {
    super.note(label);
    this.watch.noted?.(this.nowMs, label);
  }

  protected override between(): void {
    this.watch.between?.();
  }
}
