/** The limits of a controller's parts that its configuration may override, table by table. */

import type { RaftLimits } from "../runtime/raft/limits.ts";
import type { ArchiveLimits } from "./archive/due.ts";
import type { DESK_LIMITS } from "./desk/limits.ts";
import type { FLEET_LIMITS } from "./fleet/limits.ts";

export interface LimitOverrides {
  readonly raft?: Partial<RaftLimits>;
  readonly fleet?: Partial<Record<keyof typeof FLEET_LIMITS, number>>;
  readonly archive?: Partial<ArchiveLimits>;
  readonly desk?: Partial<Record<keyof typeof DESK_LIMITS, number>>;
}
