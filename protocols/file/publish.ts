/** The step that makes a temporary file the final one. */

import type { Disk, FileInfo } from "../../runtime/env/env.ts";
import { DiskError } from "../../runtime/env/errors.ts";
import {
  assertCanonical,
  fileIdOf,
  isSameFile,
  joinPath,
  safeName,
  shownPath,
} from "../containment.ts";
import type { DestinationFacts, PublishOptions } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolFailure } from "./disk_failure.ts";
import type { DurableNames } from "./directories.ts";
import type { FileSinkFile } from "./sink_file.ts";

/** A published file is readable by everyone unless the transfer says otherwise, as with `cp`. */
const PUBLISHED_MODE = 0o644;
/** Set-user-id and its like are never taken over from a source. */
const PERMISSION_BITS = 0o777;

/** How {@link publishFile} goes about it. */
export interface PublishSettings {
  readonly sync: boolean;
  /** The directory is held below a root and is looked at again. */
  readonly contained: boolean;
  readonly durableNames: DurableNames | null;
}

/**
 * Gives mode and time and syncs, all before the final name exists; renames; syncs the directory.
 * The file is closed whether it succeeds or fails. What fails after the rename is not `definite`.
 */
export async function publishFile(
  disk: Disk,
  file: FileSinkFile,
  options: PublishOptions,
  settings: PublishSettings,
): Promise<DestinationFacts> {
  try {
    safeName(options.name);
    const { handle } = file;
    await handle.setMode((options.mode ?? PUBLISHED_MODE) & PERMISSION_BITS);
    if (options.mtimeMs !== null) await handle.setMtime(options.mtimeMs);
    // At the same time: file systems with a journal commit both in one go.
    if (settings.sync) {
      await bothSettled(handle.sync(), file.syncName());
      await settings.durableNames?.assure(disk, file.directory);
    }
    // One look serves both: it finds the inode that was written, and its final size and time.
    const finished = await stillOurs(disk, file, settings.contained);
    // Before the rename: a network file system reports late write errors when a file is closed.
    await file.close();
    await giveFinalName(disk, file, options, settings.sync);
    if (settings.sync) await syncedAfterwards(() => disk.syncDirectory(file.directory));
    return destinationFactsOf(finished);
  } catch (thrown) {
    throw protocolFailure(thrown);
  } finally {
    await file.close();
  }
}

/** What is known of a published local file. */
export function destinationFactsOf(info: FileInfo): DestinationFacts {
  return { size: info.size, mtimeMs: info.mtimeMs, fileId: fileIdOf(info) };
}

/** Waits for both, even if one fails: the file must not be closed under the other. */
async function bothSettled(first: Promise<void>, second: Promise<void>): Promise<void> {
  for (const outcome of await Promise.allSettled([first, second])) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}

/** What stands at the temporary name must be the very file that was written and verified. */
async function stillOurs(
  disk: Disk,
  file: FileSinkFile,
  contained: boolean,
): Promise<FileInfo> {
  if (contained) await assertCanonical(disk, file.directory, file.temp);
  const standing = await disk.lstat(file.path);
  if (standing !== null && isSameFile(standing, file.opened)) return standing;
  throw new ProtocolError(
    "notFound",
    `cannot publish ${shownPath(file.path)}: ${
      standing === null ? "it is gone" : "another file stands in its place"
    }; a later attempt has taken over`,
  );
}

async function giveFinalName(
  disk: Disk,
  file: FileSinkFile,
  options: PublishOptions,
  sync: boolean,
): Promise<void> {
  const final = joinPath(file.directory, options.name);
  if (options.replace) return await disk.rename(file.path, final);
  // A second name is refused where one stands, which a rename never is. A crash between the two
  // leaves both names on one file, and `probe` calls that published.
  await disk.link(file.path, final);
  await syncedAfterwards(async () => {
    // The new name first: a power loss that keeps only the removal would lose the file.
    if (sync) await disk.syncDirectory(file.directory);
    try {
      await disk.remove(file.path);
    } catch (thrown) {
      // Seized in between: the final name stands all the same.
      if (!(thrown instanceof DiskError && thrown.code === "notFound")) throw thrown;
    }
  });
}

/** The final name exists already: whatever fails now is not a failure to publish. */
async function syncedAfterwards(call: () => Promise<void>): Promise<void> {
  try {
    await call();
  } catch (thrown) {
    throw protocolFailure(thrown, false);
  }
}
