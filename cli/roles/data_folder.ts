/**
 * The folder of one node's state: one process at a time, and a record of how it can be reached once it
 * is ready. The lock is freed by the system however the process ends, so that holding it is living.
 */

import { QuorusError } from "../../runtime/base/errors.ts";
import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk, DiskLock } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { z } from "zod";
import { cliLimits } from "../limits.ts";
import { readTextFile } from "../input/text_file.ts";

/** A data folder that cannot be used. */
export class DataFolderError extends QuorusError<"locked" | "unusable"> {
  override readonly name = "DataFolderError";
}

/** What a node that is ready says of itself. */
export const readiness = z.object({
  ready: z.literal(true),
  node: z.string(),
  roles: z.array(z.string()),
  pid: z.number().int(),
  /** Where its links listen. */
  links: z.array(z.string()),
  /** Where the API is. */
  http: z.string().nullable(),
  /** Where it tells its metrics, below `/metrics`. */
  metrics: z.string().nullable().default(null),
});

/** See {@link readiness}. */
export type Readiness = z.infer<typeof readiness>;

/** A folder that is this process's own. */
export interface DataFolder {
  readonly path: string;
  /** Tells others that the node is ready. */
  tellReady(ready: Readiness): Promise<void>;
  /** Says no more that it is ready, and frees the folder. */
  release(): Promise<void>;
}

const READY_NAME = "ready.json";
const LOCK_NAME = "node.lock";
const PID_NAME = "node.pid";

/** Takes a folder, made if absent, for process `pid`; DataFolderError `locked` if another one has it. */
export async function takeDataFolder(
  disk: Disk,
  path: string,
  pid: number,
): Promise<DataFolder> {
  const lock = await lockOf(disk, path);
  try {
    await removeIfThere(disk, `${path}/${READY_NAME}`);
    await writeWhole(disk, `${path}/${PID_NAME}`, `${pid}\n`);
  } catch (error) {
    await lock.release();
    throw error;
  }
  return {
    path,
    tellReady: (ready) => writeWhole(disk, `${path}/${READY_NAME}`, JSON.stringify(ready)),
    release: async () => {
      await removeIfThere(disk, `${path}/${READY_NAME}`);
      await lock.release();
    },
  };
}

async function lockOf(disk: Disk, path: string): Promise<DiskLock> {
  let lock: DiskLock | null;
  try {
    await disk.makeDirectory(path, { recursive: true, mode: 0o700 });
    lock = await disk.tryLock(`${path}/${LOCK_NAME}`);
  } catch (cause) {
    throw new DataFolderError(
      "unusable",
      `cannot keep the node's state in ${path}: ${messageOf(cause)}; choose another place (data)`,
      { cause },
    );
  }
  if (lock !== null) return lock;
  throw new DataFolderError(
    "locked",
    `another process keeps its state in ${path}: stop it, or give this node a folder of its own (data)`,
  );
}

/** Whether a process holds the folder. */
export async function isHeld(disk: Disk, path: string): Promise<boolean> {
  if (await disk.stat(`${path}/${LOCK_NAME}`) === null) return false;
  const lock = await disk.tryLock(`${path}/${LOCK_NAME}`);
  await lock?.release();
  return lock === null;
}

/** The process that holds the folder; `null` where none does, or it has just begun. */
export async function holderOf(disk: Disk, path: string): Promise<number | null> {
  if (!await isHeld(disk, path)) return null;
  try {
    const file = `${path}/${PID_NAME}`;
    const pid = Number(await readTextFile(disk, file, "the pid", cliLimits.configFileBytes));
    return Number.isInteger(pid) && pid > 0 ? pid : null;
  } catch {
    return null; // it is being written
  }
}

/** What the node of a folder has said of itself; `null` where it has not, or not yet. */
export async function readReadiness(disk: Disk, path: string): Promise<Readiness | null> {
  const file = `${path}/${READY_NAME}`;
  try {
    if (await disk.stat(file) === null) return null;
    const text = await readTextFile(disk, file, "the readiness", cliLimits.configFileBytes);
    const parsed = readiness.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : null;
  } catch {
    return null; // it is being replaced or removed
  }
}

/** Writes a file in one step for whoever reads it. */
export async function writeWhole(
  disk: Disk,
  path: string,
  text: string,
  mode = 0o644,
): Promise<void> {
  const temporary = `${path}.new`;
  await removeIfThere(disk, temporary);
  const file = await disk.open(temporary, { write: true, createNew: true, mode });
  try {
    await file.write(new TextEncoder().encode(text), 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(temporary, path);
}

async function removeIfThere(disk: Disk, path: string): Promise<void> {
  try {
    await disk.remove(path);
  } catch (thrown) {
    if (!(thrown instanceof DiskError && thrown.code === "notFound")) throw thrown;
  }
}
