/** A world in which an oracle looks after every event. */

import type { TimerHandle } from "../../runtime/env/env.ts";
import { World } from "../../runtime/sim/world.ts";

/** Calls `look` after each thing that happened. */
export class ObservedWorld extends World {
  look: () => void = () => {};
  /** What the oracle threw first. */
  objection: unknown = null;

  override schedule(delayMs: number, label: string, happen: () => void): TimerHandle {
    return super.schedule(delayMs, label, () => {
      happen();
      if (this.objection !== null) return;
      try {
        this.look();
      } catch (error) {
        this.objection = error;
      }
    });
  }
}
