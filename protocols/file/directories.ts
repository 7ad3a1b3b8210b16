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

/** How many directories {@link DurableNames} remembers; forgetting one costs a few syncs. */
const REMEMBERED = 10_000;

/**
 * Directories whose own names are durable. One that stands may have been made by a process that died
 * before it synced the parent; so the names on the way to a directory are synced once per process.
 */
export class DurableNames {
  readonly #known = new Set<string>();

  /** Syncs what holds the name of `directory` and of its parents, unless that was done before. */
  async assure(disk: Disk, directory: string): Promise<void> {
    if (this.#known.has(directory)) return;
    if (this.#known.size >= REMEMBERED) this.#known.clear();
    for (let at = directory; at !== "/";) {
      const parent = splitPath(at.replace(/\/+$/, "")).directory;
      if (this.#known.has(parent) || !await canSync(disk, parent)) break;
      at = parent.length > 1 ? parent.replace(/\/+$/, "") : parent;
    }
    this.#known.add(directory);
  }
}

/** A directory that this process may not open is none that it has made names in. */
async function canSync(disk: Disk, directory: string): Promise<boolean> {
  try {
    await disk.syncDirectory(directory);
    return true;
  } catch (thrown) {
    if (thrown instanceof DiskError && thrown.code === "denied") return false;
    throw thrown;
  }
}
