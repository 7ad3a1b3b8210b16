/** What an agent has read for others since it started. */

import { Underway } from "../agent/underway.ts";

/** Sources that are read for others are what is under way. */
export class RelayTally extends Underway {
  bytes = 0;
}
