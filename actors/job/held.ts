/** The ends of an attempt, held to the rules about bandwidth. */

import { throttledSource } from "../../protocols/wrappers/throttle.ts";
import { bucketNames } from "../bandwidth/matching.ts";
import { rateKey } from "../bandwidth/rules.ts";
import { ownerOf } from "../set/record.ts";
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
  const { bytesPerSecond } = job.spec.pipeline;
  const own = rateKey("job", ownerOf(job.id));
  const throttle = throttles.of(
    bucketNames(job, agent),
    (name) => name === own ? bytesPerSecond : undefined,
  );
  const source = throttledSource(ends.source, throttle);
  const isFree = ends.serverCopy === null || !throttle.isHeld;
  return {
    ...ends,
    source,
    serverCopy: isFree ? ends.serverCopy : { whyNot: "a bandwidth is declared for these bytes" },
    close: async () => {
      throttle.release();
      await ends.close();
    },
  };
}
