/**
 * Volumes: directory trees that an agent holds. A marker file at the root proves that the tree is there
 * (mounted, and the right one), and says which it is: the same id at two agents is the same storage.
 */

import { z } from "zod";
import { messageOf } from "../../runtime/base/errors.ts";
import type { Disk, Random } from "../../runtime/env/env.ts";
import { volumeOf } from "../scheduler/volumes.ts";
import { AgentError } from "./errors.ts";
import type { Volume } from "./registration.ts";

/** The marker's name; it starts as all names of ours do, so that no clean-up touches it. */
export const VOLUME_MARKER = ".quorus-volume";

const MARKER_BYTES_MAX = 4_096;
const ID_BYTES = 16;

const marker = z.object({
  version: z.literal(1),
  id: z.string().min(1).max(128),
});

/** A volume as it is configured. */
export interface VolumeOption {
  readonly path: string;
  readonly readOnly?: boolean;
  /** Marks the directory, which must exist, if it is not marked yet. */
  readonly create?: boolean;
}

/** Reads the markers of all volumes; AgentError `badVolume` names the first that is not one. */
export async function readVolumes(
  disk: Disk,
  random: Random,
  options: readonly VolumeOption[],
): Promise<Volume[]> {
  const volumes: Volume[] = [];
  for (const { path, readOnly = false, create = false } of options) {
    if (!path.startsWith("/")) throw badVolume(path, "it is no absolute path");
    const found = await readMarker(disk, path);
    if (found === null && (!create || readOnly)) {
      throw badVolume(path, `it has no marker file ${VOLUME_MARKER}: mount it, or mark it once`);
    }
    const id = found ?? await mark(disk, random, path);
    volumes.push({ id, path: path.replace(/(?<=.)\/+$/, ""), readOnly });
  }
  return volumes;
}

/** The id that the marker says; `null` if there is no marker. */
async function readMarker(disk: Disk, path: string): Promise<string | null> {
  const name = `${path}/${VOLUME_MARKER}`;
  const info = await looked(path, () => disk.lstat(name));
  if (info === null) return null;
  if (info.kind !== "file" || info.size > MARKER_BYTES_MAX) {
    throw badVolume(path, `${VOLUME_MARKER} is no marker file`);
  }
  const text = await looked(path, async () => {
    const file = await disk.open(name, { read: true, noFollow: true });
    try {
      const bytes = new Uint8Array(MARKER_BYTES_MAX);
      return new TextDecoder().decode(bytes.subarray(0, await file.read(bytes, 0)));
    } finally {
      await file.close();
    }
  });
  try {
    return marker.parse(JSON.parse(text)).id;
  } catch {
    throw badVolume(path, `${VOLUME_MARKER} does not say which volume it is`);
  }
}

/** Marks a directory, once: of two that do so at a time one finds the other's marker. */
async function mark(disk: Disk, random: Random, path: string): Promise<string> {
  const id = random.bytes(ID_BYTES).toHex();
  const name = `${path}/${VOLUME_MARKER}`;
  const fresh = `${name}.${id}`;
  return await looked(path, async () => {
    const file = await disk.open(fresh, { write: true, createNew: true });
    try {
      await file.write(new TextEncoder().encode(`${JSON.stringify({ version: 1, id })}\n`), 0);
      await file.sync();
    } finally {
      await file.close();
    }
    // Complete before it has its name, and never over another one.
    const linked = await disk.link(fresh, name).then(() => true, async (error) => {
      if (await disk.lstat(name) === null) throw error;
      return false;
    });
    await disk.remove(fresh);
    await disk.syncDirectory(path);
    return linked ? id : await readMarker(disk, path) ?? id;
  });
}

async function looked<T>(path: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (cause) {
    if (cause instanceof AgentError) throw cause;
    throw badVolume(path, messageOf(cause), cause);
  }
}

function badVolume(path: string, why: string, cause?: unknown): AgentError {
  return new AgentError("badVolume", `cannot use ${path} as a volume: ${why}`, { cause });
}

/** Whether files below `target` (an absolute path or `file:` URI) may be removed here. */
export function mayClean(volumes: readonly Volume[], target: string): boolean {
  const directory = target.startsWith("file:")
    ? decodeURIComponent(new URL(target).pathname)
    : target;
  if (directory.split("/").includes("..")) return false;
  const path = `${directory.replace(/\/+$/, "")}/file`;
  return volumeOf(volumes, { path, volume: null, isWritten: true }) !== null;
}
