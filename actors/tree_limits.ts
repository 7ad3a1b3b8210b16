/** The limits of a controller's parts that its configuration may override, table by table. */

import type { RaftLimits } from "../runtime/raft/limits.ts";
import type { ArchiveLimits } from "./archive/limits.ts";
import type { ClusterLimits } from "./cluster/limits.ts";
import type { ControllerLimits } from "./controller/limits.ts";
import type { DESK_LIMITS } from "./desk/limits.ts";
import type { FLEET_LIMITS } from "./fleet/limits.ts";
import type { SchedulerLimits } from "./scheduler/limits.ts";
import type { TenantLimits } from "./tenant/limits.ts";

export interface LimitOverrides {
  readonly raft?: Partial<RaftLimits>;
  readonly fleet?: Partial<Record<keyof typeof FLEET_LIMITS, number>>;
  readonly archive?: Partial<ArchiveLimits>;
  readonly controller?: Partial<ControllerLimits>;
  readonly cluster?: Partial<ClusterLimits>;
  readonly scheduler?: Partial<SchedulerLimits>;
  readonly tenants?: Partial<TenantLimits>;
  readonly desk?: Partial<Record<keyof typeof DESK_LIMITS, number>>;
}
