/** The ends of an attempt, held to the rules about bandwidth. */

import { throttledSource } from "../../protocols/wrappers/throttle.ts";
import { bucketNames } from "../bandwidth/matching.ts";
import type { Ends } from "./ends.ts";
import type { Job, Lease } from "./record.ts";
import type { AttemptTools } from "./tools.ts";

/** `ends` whose source is read no faster than what the job is held to, as that changes. */
export function heldToRates(
  ends: Ends,
  { throttles }: Pick<AttemptTools, "throttles">,
  job: Job,
  { agent }: Lease,
): Ends {
  if (throttles === undefined) return ends;
  return { ...ends, source: throttledSource(ends.source, throttles.of(bucketNames(job, agent))) };
}
