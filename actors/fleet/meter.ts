/** What a controller counts of the agents that it hears of. */

import { Histogram } from "../../runtime/telemetry/histogram.ts";
import { DURATION_SECONDS } from "../../runtime/telemetry/series.ts";

/** Counts of one controller. */
export class FleetMeter {
  /** From the loss of an agent's link to its being given up, in seconds. */
  readonly detection = new Histogram(DURATION_SECONDS);
  heartbeats = 0;
  /** Times when too many agents were silent at once to give any up. */
  heldBack = 0;
}
