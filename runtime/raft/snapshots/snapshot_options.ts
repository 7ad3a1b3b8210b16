/** How the snapshots of a member are opened. */

import type { Env } from "../../env/env.ts";
import type { RaftLimits } from "../limits.ts";

/** What snapshots take of Env. */
export type SnapshotEnv = Pick<Env, "disk" | "hash" | "log" | "clock" | "timers">;

/** What snapshots take of the room's limits. */
export type SnapshotLimits = Pick<
  RaftLimits,
  "snapshotSliceMs" | "snapshotRests" | "chunkBytes" | "restoreBytes" | "syncEveryBytes"
>;

/** Where they are. */
export interface SnapshotOptions {
  /** Of this member alone (it may be the log's); made if absent. */
  readonly folder: string;
  readonly limits: SnapshotLimits;
}
