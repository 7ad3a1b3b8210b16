/**
 * The folder of one embedded run: a lock, the logs of its executions, and one key-value file.
 *
 * Holding the lock proves that every earlier writer of this run is gone (the system frees it when a
 * process ends, however it ends): its leases are void and its temporary files may be adopted.
 */

import { QuorusError } from "../runtime/base/errors.ts";
import type { Disk, DiskLock } from "../runtime/env/env.ts";
import { DiskError } from "../runtime/env/errors.ts";

/** A run folder that cannot be used. */
export class RunFolderError extends QuorusError<"locked" | "unusable"> {
  override readonly name = "RunFolderError";
}

/** A locked run folder. */
export interface RunFolder {
  /** The newest execution's number; 0 if there was none. */
  readonly epoch: number;
  /** Those of which there is a log, the newest first. */
  readonly epochs: readonly number[];
  readonly keyValuePath: string;
  /** The directory of an execution's log, made if absent; its name survives a power loss. */
  makeLog(epoch: number): Promise<string>;
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
    epochs: epochs.filter((epoch) => epoch > 0).sort((a, b) => b - a),
    keyValuePath: `${path}/state.kv`,
    makeLog: async (epoch) => {
      await makeDurably(disk, logPath(epoch));
      return logPath(epoch);
    },
    dropLogsBefore: async (epoch) => {
      for (const old of epochs) if (old > 0 && old < epoch) await removeTree(disk, logPath(old));
    },
    unlock: () => lock.release(),
  };
}

async function lockFolder(disk: Disk, path: string): Promise<DiskLock> {
  let lock: DiskLock | null;
  try {
    await makeDurably(disk, path);
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

/**
 * Makes a directory and its missing parents. Its name is synced even if it stood there: whoever made
 * it may have died before that, and what is durable below a lost name is lost.
 */
async function makeDurably(disk: Disk, path: string): Promise<void> {
  const end = path.lastIndexOf("/");
  const parent = end > 0 ? path.slice(0, end) : end === 0 ? "/" : ".";
  if (await disk.stat(path) === null) {
    if (parent !== path && await disk.stat(parent) === null) await makeDurably(disk, parent);
    await disk.makeDirectory(path, { recursive: true, mode: 0o700 });
  }
  try {
    await disk.syncDirectory(parent);
  } catch (error) {
    // A parent that only others may list was made durable by them.
    if (!(error instanceof DiskError && error.code === "denied")) throw error;
  }
}

async function removeTree(disk: Disk, path: string): Promise<void> {
  for (const entry of await disk.readDirectory(path)) {
    const inner = `${path}/${entry.name}`;
    if (entry.kind === "directory") await removeTree(disk, inner);
    else await disk.remove(inner);
  }
  await disk.remove(path);
}
