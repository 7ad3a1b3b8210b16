/** Tells what a member's driver is about to plan: it asks how long that takes just before. */

import type { Pace } from "../cluster/pace.ts";
import type { WorkKind } from "./selector.ts";

/** A pace at which nothing takes time. */
export class WorkPace implements Pace {
  /** What was asked for last. */
  kind: WorkKind | "tick" = "tick";
  readonly isOrdered = true;
  readonly tellsLoss = false;
  /** So small that snapshots travel in several pieces. */
  readonly chunkBytes = 8;

  #of(kind: WorkKind | "tick"): number {
    this.kind = kind;
    return 0;
  }

  chance(random: number): number {
    return random;
  }

  persistMs(): number {
    return this.#of("disk");
  }

  machineMs(): number {
    return this.#of("machine");
  }

  snapshotMs(): number {
    return this.#of("snapshot");
  }

  chunkMs(): number {
    return this.#of("piece");
  }

  tickMs(): number {
    return this.#of("tick");
  }

  linkMs(): number {
    return 0;
  }

  isLost(): boolean {
    return false;
  }

  isDuplicated(): boolean {
    return false;
  }
}
