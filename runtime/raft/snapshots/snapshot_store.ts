/** The snapshots of one member on disk. Formats and what is refused: DESIGN.md, "The log on disk". */

import { messageOf } from "../../base/errors.ts";
import { DiskError } from "../../env/errors.ts";
import type { SnapshotMeta } from "../core/entry.ts";
import { RaftError } from "../errors.ts";
import type { SnapshotPieces, SnapshotStore, StoredSnapshot } from "../storage.ts";
import { makeDurableFolder } from "../wal/files.ts";
import { diskFailed, diskFull, isNoSpace } from "../wal/log_errors.ts";
import { Receiver } from "./receiver.ts";
import { SnapshotDraft } from "./snapshot_draft.ts";
import { isSameSnapshot, snapshotIndexOf } from "./snapshot_format.ts";
import type { SnapshotEnv, SnapshotOptions } from "./snapshot_options.ts";
import { blocksOf } from "./state_blocks.ts";
import {
  checkSnapshot,
  piecesOf,
  type ReadSnapshot,
  readState,
  snapshotCorrupt,
} from "./snapshot_reader.ts";

const KEPT_SNAPSHOTS = 2;

/** What a folder holds. */
interface Found {
  /** The newest first; that one was read to its end. */
  readonly kept: readonly ReadSnapshot[];
  /** To be removed once there is a newer one. */
  readonly damaged: readonly string[];
}

class FileSnapshots implements SnapshotStore {
  readonly #env: SnapshotEnv;
  readonly #options: SnapshotOptions;
  readonly #receiver: Receiver;
  #kept: readonly ReadSnapshot[];
  #damaged: readonly string[];
  #taking: Promise<unknown> = Promise.resolve();
  #receiving: Promise<unknown> = Promise.resolve();

  constructor(env: SnapshotEnv, options: SnapshotOptions, { kept, damaged }: Found) {
    this.#env = env;
    this.#options = options;
    this.#receiver = new Receiver(env, options);
    this.#kept = kept;
    this.#damaged = damaged;
  }

  newest(): StoredSnapshot | null {
    return this.#kept[0]?.stored ?? null;
  }

  take(snapshot: SnapshotMeta, pieces: SnapshotPieces): Promise<StoredSnapshot> {
    const work = this.#taking.then(() =>
      this.#onDisk("take a snapshot", () => this.#take(snapshot, pieces))
    );
    this.#taking = work.catch(() => {});
    return work;
  }

  receive(stored: StoredSnapshot, offset: number, bytes: Uint8Array) {
    const work = this.#receiving.then(() =>
      this.#onDisk("receive a snapshot", () => this.#receive(stored, offset, bytes))
    );
    this.#receiving = work.catch(() => {});
    return work;
  }

  async read(stored: StoredSnapshot, offset: number, length: number): Promise<Uint8Array | null> {
    const read = this.#find(stored);
    if (read === undefined) return null;
    return await this.#onDisk(
      "read a snapshot",
      () => readState(this.#env, read, offset, length),
    );
  }

  async *pieces(stored: StoredSnapshot): AsyncGenerator<Uint8Array, void, undefined> {
    const read = this.#find(stored);
    if (read === undefined) {
      const { folder } = this.#options;
      throw snapshotCorrupt(folder, `the one at entry ${stored.snapshot.index} is not there`);
    }
    yield* piecesOf(this.#env, read, this.#options.limits.restoreBytes);
  }

  #find(stored: StoredSnapshot): ReadSnapshot | undefined {
    return this.#kept.find((kept) => isSameSnapshot(kept.stored, stored));
  }

  async #take(snapshot: SnapshotMeta, pieces: SnapshotPieces): Promise<StoredSnapshot> {
    const { folder, limits } = this.#options;
    const { syncEveryBytes } = limits;
    const plan = { path: `${folder}/taking.part`, meta: snapshot, syncEveryBytes };
    const draft = await SnapshotDraft.begin(this.#env, plan);
    let whole: ReadSnapshot;
    try {
      const blocks = blocksOf(pieces, { env: this.#env, limits, areKept: false });
      for await (const block of blocks) await draft.append(block);
      whole = await draft.finish();
    } catch (thrown) {
      await draft.drop().catch(() => {}); // The first error says more.
      throw thrown;
    }
    await this.#publish(whole);
    return whole.stored;
  }

  async #receive(stored: StoredSnapshot, offset: number, bytes: Uint8Array) {
    if (this.#find(stored) !== undefined) {
      return { nextOffset: stored.file.bytes, complete: true };
    }
    const { nextOffset, whole } = await this.#receiver.receive(stored, offset, bytes);
    if (whole !== null) await this.#publish(whole);
    return { nextOffset, complete: whole !== null };
  }

  /** One more whole snapshot: what is not among the newest goes. */
  async #publish(whole: ReadSnapshot): Promise<void> {
    const isOther = ({ stored }: ReadSnapshot) =>
      stored.snapshot.index !== whole.stored.snapshot.index;
    const before = this.#kept;
    const sorted = [whole, ...before.filter(isOther)]
      .sort((one, other) => other.stored.snapshot.index - one.stored.snapshot.index);
    this.#kept = sorted.slice(0, KEPT_SNAPSHOTS);
    const names = new Set(this.#kept.map(({ path }) => path));
    const gone = [...before, ...sorted].map(({ path }) => path);
    const old = new Set([...gone, ...this.#damaged].filter((path) => !names.has(path)));
    this.#damaged = [];
    for (const path of old) await this.#remove(path);
  }

  async #remove(path: string): Promise<void> {
    try {
      await this.#env.disk.remove(path);
    } catch (thrown) {
      this.#env.log.write("warn", "an old snapshot could not be removed", {
        path,
        reason: messageOf(thrown),
      });
    }
  }

  async #onDisk<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (thrown) {
      if (!(thrown instanceof DiskError)) throw thrown;
      const what = `${action} in ${this.#options.folder}`;
      throw isNoSpace(thrown) ? diskFull(what, thrown) : diskFailed(what, thrown);
    }
  }
}

/**
 * Opens the snapshots in a folder and checks the newest to its last byte; a damaged one is passed over
 * for an older one, which is said in the log (and refused by `openRaftLog` where the log begins later).
 * Nothing is removed: another process may have the folder until the log's lock says otherwise.
 */
export async function openSnapshots(
  env: SnapshotEnv,
  options: SnapshotOptions,
): Promise<SnapshotStore> {
  const { folder } = options;
  try {
    await makeDurableFolder(env.disk, folder);
    await env.disk.syncDirectory(folder);
    return new FileSnapshots(env, options, await findSnapshots(env, options));
  } catch (thrown) {
    throw diskFailed(`open the snapshots in ${folder}`, thrown);
  }
}

async function findSnapshots(env: SnapshotEnv, options: SnapshotOptions): Promise<Found> {
  const { folder } = options;
  const names = (await env.disk.readDirectory(folder)).map(({ name }) => name)
    .filter((name) => snapshotIndexOf(name) !== null).sort().reverse();
  const kept: ReadSnapshot[] = [];
  const damaged: string[] = [];
  for (const name of names) {
    const path = `${folder}/${name}`;
    try {
      kept.push(await checkSnapshot(env, options, path, kept.length === 0));
    } catch (thrown) {
      if (!(thrown instanceof RaftError && thrown.code === "SnapshotCorrupt")) throw thrown;
      damaged.push(path);
      env.log.write("error", "a snapshot is damaged; an older one stands in if the log allows", {
        path,
        reason: thrown.message,
      });
    }
  }
  return { kept, damaged };
}
