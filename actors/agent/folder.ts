/**
 * The folder of an agent: its checkpoints, and a lock. Holding the lock proves that every earlier process
 * of this agent is gone (the system frees it when a process ends, however it ends), so what they had can
 * be handed back.
 */

import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk, DiskLock } from "../../runtime/env/env.ts";
import type { CheckpointStore } from "../job/checkpoint.ts";
import type { Lease } from "../job/record.ts";
import { ownerOf } from "../set/record.ts";
import { AgentError } from "./errors.ts";
import type { Outbox } from "./outbox.ts";

/** Locks the folder, made if absent; AgentError `locked`, `unusable`. */
export async function lockFolder(disk: Disk, folder: string): Promise<DiskLock> {
  let lock: DiskLock | null;
  try {
    await disk.makeDirectory(folder, { recursive: true, mode: 0o700 });
    lock = await disk.tryLock(`${folder}/lock`);
  } catch (cause) {
    throw new AgentError(
      "unusable",
      `cannot keep the agent's state in ${folder}: ${messageOf(cause)}; choose another place`,
      { cause },
    );
  }
  if (lock !== null) return lock;
  throw new AgentError(
    "locked",
    `another agent works in ${folder} (it holds the lock there): stop it, or choose another place`,
  );
}

/** An attempt of an earlier process that has kept something. */
export interface LeftBehind {
  readonly jobId: string;
  readonly lease: Lease;
}

/** What earlier processes of `agent` kept, as its checkpoints say. */
export async function leftBehind(store: CheckpointStore, agent: string): Promise<LeftBehind[]> {
  const kept = await store.leases();
  return kept.map(({ jobId, lease }) => ({ jobId, lease: { ...lease, agent } }));
}

/**
 * Gives the leases of earlier processes back, before the cluster sees this one: a lease that is lost
 * already is handed back instead. Resolves when that is answered; then the files may be adopted.
 */
export async function giveBack(
  earlier: readonly LeftBehind[],
  outbox: Outbox,
  store: CheckpointStore,
): Promise<void> {
  // The files of a set belong to its one lease.
  const leases = Map.groupBy(earlier, ({ jobId, lease }) => `${ownerOf(jobId)} ${lease.index}`);
  await Promise.all([...leases.values()].map(async (kept) => {
    const { jobId, lease } = kept[0]!;
    const reported = { jobId: ownerOf(jobId) };
    const why = "the process that held the lease has ended";
    const refused = await outbox.report({ ...reported, event: { type: "release", lease, why } });
    if (refused.length === 0) return;
    const over = await outbox.report({ ...reported, event: { type: "handBack", lease } });
    // The job is over: nobody will go on with it.
    if (over.length > 0) { for (const one of kept) await store.drop(one.jobId); }
  }));
}
