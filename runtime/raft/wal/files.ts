/** Small steps with files that the log and the snapshots share: durable folders, whole files. */

import { DiskError } from "../../env/errors.ts";
import type { Disk } from "../../env/env.ts";
import { readFile } from "../../store/whole_file.ts";

/** The folder that holds `path`. */
export function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  if (slash > 0) return path.slice(0, slash);
  return slash === 0 ? "/" : ".";
}

/**
 * Makes a folder and lets its name survive a power loss: each parent is synced, also those that stood
 * there (an earlier life may have made them and died). What may not be opened is not ours to sync.
 */
export async function makeDurableFolder(disk: Disk, folder: string): Promise<void> {
  await disk.makeDirectory(folder, { recursive: true });
  for (let path = folder;;) {
    const parent = parentOf(path);
    try {
      await disk.syncDirectory(parent);
    } catch (thrown) {
      if (thrown instanceof DiskError && thrown.code === "denied") return;
      throw thrown;
    }
    if (parent === "/" || parent === ".") return;
    path = parent;
  }
}

/** All bytes of a small file; null if there is none. */
export async function readWhole(disk: Disk, path: string): Promise<Uint8Array | null> {
  return await disk.stat(path) === null ? null : await readFile(disk, path);
}

/** Writes a small file aside, syncs it and gives it its name: there is the old one or the new one. */
export async function replaceFile(disk: Disk, path: string, bytes: Uint8Array): Promise<void> {
  const aside = `${path}.new`;
  const file = await disk.open(aside, { write: true, create: true, truncate: true });
  try {
    await file.write(bytes, 0);
    await file.sync();
  } finally {
    await file.close();
  }
  await disk.rename(aside, path);
  await disk.syncDirectory(parentOf(path));
}
