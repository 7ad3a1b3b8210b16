/** The replicated hot state: plain immutable values that share structure between versions. */

import { PersistentMap } from "../../runtime/base/persistent_map.ts";
import type { Plan } from "../../workflows/plan.ts";
import type { Job, JobIntent } from "../job/record.ts";

/** One execution of a group. */
export interface Run {
  readonly id: string;
  readonly tenant: string;
  readonly plan: Plan;
  readonly state: "running" | "succeeded" | "failed" | "cancelled";
  readonly why: string;
  readonly intent: JobIntent;
  /** Job ids by the name of their transfer. */
  readonly jobs: PersistentMap<string>;
  /** Transfers that never became jobs, with the reason; `failed` where that is an error. */
  readonly skipped: PersistentMap<{ readonly why: string; readonly failed: boolean }>;
  readonly createdMs: number;
  readonly endedMs: number | null;
}

/** Everything that `apply` works on. */
export interface State {
  /** Starts at 1; a restore from a backup starts the next one, so that old tokens are void. */
  readonly epoch: number;
  /** Of the last applied command. */
  readonly index: number;
  /** `max` of all stamps: never falls (DESIGN section 5). */
  readonly nowMs: number;
  readonly runs: PersistentMap<Run>;
  readonly jobs: PersistentMap<Job>;
}

/** The state before the first command. */
export const INITIAL_STATE: State = {
  epoch: 1,
  index: 0,
  nowMs: 0,
  runs: PersistentMap.empty(),
  jobs: PersistentMap.empty(),
};
