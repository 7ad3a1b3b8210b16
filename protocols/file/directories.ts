/** Making the directories of a destination, durably and never through a symbolic link that leads away. */

import type { Disk } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { containedDirectory, joinPath, splitPath } from "../containment.ts";

/**
 * Makes `directory` and its missing parents, and syncs each parent that got a new name. Below `root`
 * every new directory is made in a canonical one that is contained; what stands above is trusted.
 */
export async function makeDirectories(
  disk: Disk,
  directory: string,
  root: string | null,
  sync: boolean,
): Promise<void> {
  // The root itself is as trusted as what stands above it.
  if (root === directory) return await makeDirectories(disk, directory, null, sync);
  if (root !== null) await makeDirectories(disk, root, null, sync);
  const missing: string[] = [];
  let standing = directory;
  while (standing !== "/" && await disk.stat(standing) === null) {
    const parent = splitPath(standing.replace(/\/+$/, ""));
    missing.unshift(parent.name);
    standing = parent.directory;
  }
  if (missing.length === 0) return;
  let current = root === null ? standing : await containedDirectory(disk, root, standing);
  for (const name of missing) {
    const made = joinPath(current, name);
    await makeOne(disk, made);
    if (sync) await disk.syncDirectory(current);
    current = root === null ? made : await containedDirectory(disk, root, made);
  }
}

async function makeOne(disk: Disk, path: string): Promise<void> {
  try {
    await disk.makeDirectory(path);
  } catch (thrown) {
    // Another transfer into the same directory was faster.
    const lost = thrown instanceof DiskError && thrown.code === "exists" &&
      (await disk.stat(path))?.kind === "directory";
    if (!lost) throw thrown;
  }
}
