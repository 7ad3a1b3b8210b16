/** What an agent has done since it started, for its heartbeats; and when it has nothing left to do. */

import { AgentMeter } from "./meter.ts";
import { Underway } from "./underway.ts";

/** Counts of one agent; its attempts are what is under way. */
export class Tally extends Underway {
  /** What is counted for metrics beside. */
  readonly meter = new AgentMeter();
  completed = 0;
  failed = 0;
  /** Fetched from sources. */
  bytesTransferred = 0;
  lastCompletionMs: number | null = null;
}
