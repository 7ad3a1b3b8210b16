/**
 * The folder of one embedded run: a lock, the logs of its executions, and one key-value file.
 *
 * Holding the lock proves that every earlier writer of this run is gone (the system frees it when a
 * process ends, however it ends): its leases are void and its temporary files may be adopted.
 */

import { QuorusError } from "../runtime/base/errors.ts";
import type { Disk, DiskLock } from "../runtime/env/env.ts";

/** A run folder that cannot be used. */
export class RunFolderError extends QuorusError<"locked" | "unusable"> {
  override readonly name = "RunFolderError";
}

/** A locked run folder. */
export interface RunFolder {
  /** The newest execution's number; 0 if there was none. */
  readonly epoch: number;
  readonly keyValuePath: string;
  logPath(epoch: number): string;
  /** Removes the logs of earlier executions. */
  dropLogsBefore(epoch: number): Promise<void>;
  unlock(): Promise<void>;
}

const LOG_NAME = /^log-(\d+)$/;

/** Locks the folder, made if absent; `locked` if another process works on this run. */
export async function openRunFolder(disk: Disk, path: string): Promise<RunFolder> {
  const lock = await lockFolder(disk, path);
  const epochs = (await disk.readDirectory(path))
    .map((entry) => Number(LOG_NAME.exec(entry.name)?.[1] ?? 0));
  const logPath = (epoch: number) => `${path}/log-${epoch}`;
  return {
    epoch: Math.max(0, ...epochs),
    keyValuePath: `${path}/state.kv`,
    logPath,
    dropLogsBefore: async (epoch) => {
      for (const old of epochs) if (old > 0 && old < epoch) await removeTree(disk, logPath(old));
    },
    unlock: () => lock.release(),
  };
}

async function lockFolder(disk: Disk, path: string): Promise<DiskLock> {
  let lock: DiskLock | null;
  try {
    await disk.makeDirectory(path, { recursive: true, mode: 0o700 });
    lock = await disk.tryLock(`${path}/lock`);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new RunFolderError(
      "unusable",
      `cannot keep the run's state in ${path}: ${why}; choose another place with --data`,
      { cause },
    );
  }
  if (lock !== null) return lock;
  throw new RunFolderError(
    "locked",
    `another process is working on this run (it holds ${path}/lock): wait for it, or stop it first`,
  );
}

async function removeTree(disk: Disk, path: string): Promise<void> {
  for (const entry of await disk.readDirectory(path)) {
    const inner = `${path}/${entry.name}`;
    if (entry.kind === "directory") await removeTree(disk, inner);
    else await disk.remove(inner);
  }
  await disk.remove(path);
}
