/**
 * A disk of which only some folders may be reached, links followed to where they lead. Every call asks
 * anew: a link can be swapped in at any time. Who swaps one between the question and the call can still
 * win, as with containment (containment.ts), which looks again after opening.
 */

import type { Disk } from "../runtime/env/env.ts";
import { isBelow, shownPath, splitPath } from "./containment.ts";
import { assertAllowed } from "./reach.ts";

/** `disk` below `folders` only; every other place is `forbidden`. */
export function confinedDisk(disk: Disk, folders: readonly string[]): Disk {
  const follow = (path: string) => assertInside(disk, folders, path, true);
  const keep = (path: string) => assertInside(disk, folders, path, false);
  return {
    open: async (path, options) => {
      await (options.noFollow === true ? keep(path) : follow(path));
      return await disk.open(path, options);
    },
    stat: async (path) => (await follow(path), await disk.stat(path)),
    lstat: async (path) => (await keep(path), await disk.lstat(path)),
    realPath: async (path) => (await follow(path), await disk.realPath(path)),
    rename: async (from, to) => {
      await keep(from);
      await keep(to);
      await disk.rename(from, to);
    },
    link: async (from, to) => {
      await keep(from);
      await keep(to);
      await disk.link(from, to);
    },
    remove: async (path) => (await keep(path), await disk.remove(path)),
    makeDirectory: async (path, options) => {
      await follow(path);
      await disk.makeDirectory(path, options);
    },
    readDirectory: async (path) => (await follow(path), await disk.readDirectory(path)),
    // Of those above the folders too: it tells nothing and changes nothing.
    syncDirectory: (path) => disk.syncDirectory(path),
    tryLock: async (path) => (await follow(path), await disk.tryLock(path)),
  };
}

async function assertInside(
  disk: Disk,
  folders: readonly string[],
  path: string,
  isFollowed: boolean,
): Promise<void> {
  const start = isFollowed ? path : parentOf(path);
  const canonical = await canonicalOf(disk, start);
  for (const folder of folders) {
    if (isBelow(await canonicalOf(disk, folder), canonical)) return;
  }
  const led = canonical === start ? "" : `, which is ${shownPath(canonical)}`;
  const listed = folders.length === 0 ? "none" : folders.map(shownPath).join(", ");
  const reason = `only these folders are used here: ${listed}`;
  assertAllowed({ reason, setting: "reach.paths" }, `${shownPath(path)}${led}`);
}

/** The canonical path of what is there, and what is missing of it behind that. */
async function canonicalOf(disk: Disk, path: string): Promise<string> {
  const missing: string[] = [];
  for (let at = path;; at = parentOf(at)) {
    // A link that leads nowhere is there: where it would lead is not known, so it is not followed.
    if (at === "/" || await disk.lstat(at) !== null) {
      const found = await disk.realPath(at);
      return missing.length === 0 ? found : [found === "/" ? "" : found, ...missing].join("/");
    }
    missing.unshift(splitPath(at).name);
  }
}

function parentOf(path: string): string {
  return splitPath(path).directory;
}
