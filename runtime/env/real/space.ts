/** How much room a file system has; for people, so it is no port of Env. */

import { statfs } from "node:fs/promises";
import { diskError } from "./disk_errors.ts";

/** Bytes that this user may still write where `path` is; DiskError `notFound` and the like. */
export async function freeBytes(path: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch (thrown) {
    throw diskError(`ask for the free space at ${path}`, thrown);
  }
}
