/** Which checkpoints of an agent are told to the controllers. */

import type { LimitValues } from "../../runtime/base/limits.ts";
import type { Env } from "../../runtime/env/env.ts";
import { ReportRate } from "../job/replicate.ts";
import type { Replication } from "../job/tools.ts";
import type { ACTOR_LIMITS } from "../limits.ts";
import { localFiles, volumeOf } from "../scheduler/volumes.ts";
import type { Volume } from "./registration.ts";

/** A local file is read by others only where it lies on a volume, which others may hold as well. */
export function replicationOf(
  volumes: readonly Volume[],
  limits: Pick<LimitValues<typeof ACTOR_LIMITS>, "replicatedPerSecond">,
  env: Pick<Env, "clock">,
): Replication {
  const rate = new ReportRate(limits.replicatedPerSecond, env.clock);
  return {
    isShared: (spec) => {
      const { destination } = localFiles(spec, undefined);
      return destination === null || volumeOf(volumes, destination) !== null;
    },
    take: () => rate.take(),
  };
}
