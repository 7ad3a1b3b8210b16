/** How long chunks take: from the first read of one to the end of its last write. One for each thread. */

import type { Clock } from "../../runtime/env/env.ts";
import type { Histogram } from "../../runtime/telemetry/histogram.ts";

/** See the head of this file. */
export class ChunkTimes {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #seconds: Histogram;

  constructor(clock: Pick<Clock, "monotonic">, seconds: Histogram) {
    this.#clock = clock;
    this.#seconds = seconds;
  }

  /** A chunk begins; the function says that it is written. One that is never written does not count. */
  begin(): () => void {
    const beganMs = this.#clock.monotonic();
    return () => this.#seconds.add((this.#clock.monotonic() - beganMs) / 1_000);
  }
}
