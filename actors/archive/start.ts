/** Starts the archive of a controller: its store, the actor that fills it, and the leader's part. */

import type { Node } from "../../runtime/actor/node.ts";
import { leadership } from "../controller/leadership.ts";
import type { Replica } from "../controller/replica.ts";
import { archive } from "./archive.ts";
import { archiver } from "./archiver.ts";
import type { ArchiveLimits } from "./limits.ts";
import { ARCHIVE_PATH } from "./messages.ts";
import { type ArchiveReader, archiveReader } from "./reader.ts";
import { ArchiveStore } from "./store.ts";

/** How an archive is kept. */
export interface ArchiveOptions {
  /** Segments and index: a folder of its own. */
  readonly folder: string;
  /** How long an archived run is kept after its end; null: for ever. */
  readonly retentionMs: number | null;
  /** Overrides of single limits. */
  readonly limits?: Partial<ArchiveLimits>;
}

/**
 * Spawns `archive` and, for the time that this node leads, `archiving/archiver`. Its end closes the
 * store. Throws DiskError and KvError where the folder cannot be used.
 */
export async function startArchive(
  node: Node,
  replica: Replica,
  { folder, retentionMs, limits }: ArchiveOptions,
): Promise<ArchiveReader> {
  const store = await ArchiveStore.open(node.env, folder, limits);
  const changed = limits === undefined ? {} : { limits };
  const kept = { replica, store, ...changed };
  node.spawn(archive, { name: ARCHIVE_PATH, restart: "permanent", args: kept });
  const args = { replica, retentionMs, ...changed };
  node.spawn(leadership, {
    name: "archiving",
    restart: "permanent",
    args: { replica, begin: (ctx) => ctx.spawn(archiver, { name: "archiver", args }) },
  });
  return archiveReader(replica, store);
}
