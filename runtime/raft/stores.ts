/** Opens what a member keeps on disk: its snapshots, then the log that goes on from the newest. */

import type { Env } from "../env/env.ts";
import type { SnapshotMeta } from "./core/entry.ts";
import type { RaftLimits } from "./limits.ts";
import { openSnapshots } from "./snapshots/snapshot_store.ts";
import type { RaftLogStore, SnapshotStore, StoreIdentity } from "./storage.ts";
import { openRaftLog } from "./wal/open.ts";

/** Where, and whose. */
export interface StoresOptions {
  readonly folder: string;
  readonly identity: StoreIdentity;
  readonly limits: RaftLimits;
  /** What a new log begins after. */
  readonly first: SnapshotMeta;
}

/** The disk of a member. */
export interface Stores {
  readonly log: RaftLogStore;
  readonly snapshots: SnapshotStore;
}

/** Throws the RaftErrors of both. */
export async function openStores(
  env: Pick<Env, "disk" | "hash" | "log" | "clock" | "timers">,
  { folder, identity, limits, first }: StoresOptions,
): Promise<Stores> {
  const snapshots = await openSnapshots(env, { folder: `${folder}/snapshots`, limits });
  const newest = snapshots.newest();
  const where = { folder: `${folder}/log`, identity, limits };
  const log = await openRaftLog(env, { ...where, first, create: true, newest });
  return { log, snapshots };
}
