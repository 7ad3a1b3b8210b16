/** Files of this machine that a share's files lie in for a moment. */

import type { Disk, DiskFile, Random } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import { joinPath } from "../containment.ts";

const OPTIONS = { read: true, write: true, createNew: true, noFollow: true, mode: 0o600 } as const;

/** A name that nobody else has. */
export function localName(folder: string, random: Random): string {
  const hex = [...random.bytes(12)].map((byte) => byte.toString(16).padStart(2, "0"));
  return joinPath(folder, `quorus-smb-${hex.join("")}`);
}

/** Writes a file that only we can read; `false` where the disk refuses it. */
export async function keptAt(disk: Disk, path: string, bytes: Uint8Array): Promise<boolean> {
  try {
    const file = await disk.open(path, OPTIONS);
    try {
      await file.write(bytes, 0);
      return true;
    } catch (thrown) {
      await disk.remove(path);
      throw thrown;
    } finally {
      await file.close();
    }
  } catch (thrown) {
    if (thrown instanceof DiskError) return false;
    throw thrown;
  }
}

/** Makes a file of that length that holds nothing, and takes no room. */
export async function hollowAt(disk: Disk, path: string, length: number): Promise<DiskFile> {
  const file = await disk.open(path, OPTIONS);
  try {
    await file.truncate(length);
    return file;
  } catch (thrown) {
    await file.close();
    await disk.remove(path);
    throw thrown;
  }
}
