/** How the log of a member is opened. */

import type { Env } from "../../env/env.ts";
import type { SnapshotMeta } from "../core/entry.ts";
import type { RaftLimits } from "../limits.ts";
import type { StoredSnapshot, StoreIdentity } from "../storage.ts";

/** What the log takes of Env. */
export type RaftLogEnv = Pick<Env, "disk" | "hash" | "log" | "timers">;

/** What the log takes of the room's limits. */
export type RaftLogLimits = Pick<RaftLimits, "segmentBytes" | "reserveBytes" | "syncEveryBytes">;

/** Which log, and what it must fit. */
export interface RaftLogOptions {
  /** Of this member alone; made if absent, where `create`. */
  readonly folder: string;
  readonly identity: StoreIdentity;
  readonly limits: RaftLogLimits;
  /** What a new log begins after: index 0 and the group's first configuration. */
  readonly first: SnapshotMeta;
  /** A folder without a log gets one; one that has a log goes on with it. */
  readonly create: boolean;
  /** The newest whole snapshot: `SnapshotStore.newest()`. */
  readonly newest: StoredSnapshot | null;
}
