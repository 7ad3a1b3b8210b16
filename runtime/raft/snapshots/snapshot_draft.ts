/** A snapshot in the making: head first, then state, and a name only once all of it is durable. */

import type { DiskFile } from "../../env/env.ts";
import type { SnapshotMeta } from "../core/entry.ts";
import type { SnapshotFile } from "../core/messages.ts";
import { parentOf } from "../wal/files.ts";
import { encodeHead, encodeSnapshotHeader, snapshotPath } from "./snapshot_format.ts";
import type { SnapshotEnv } from "./snapshot_options.ts";
import type { ReadSnapshot } from "./snapshot_reader.ts";

/** A snapshot of which nothing is written yet. */
const NOTHING: SnapshotFile = { bytes: 0, crc: 0 };

/** Which one, and where. */
export interface DraftPlan {
  readonly path: string;
  readonly meta: SnapshotMeta;
  /** So often a long one is synced. */
  readonly syncEveryBytes: number;
}

/** See the head of this file. */
export class SnapshotDraft {
  readonly #env: SnapshotEnv;
  readonly #path: string;
  readonly #meta: SnapshotMeta;
  readonly #syncEveryBytes: number;
  readonly #head: Uint8Array;
  readonly #file: DiskFile;
  #bytes: number;
  #crc: number;

  private constructor(
    env: SnapshotEnv,
    { path, meta, syncEveryBytes }: DraftPlan,
    file: DiskFile,
    written: SnapshotFile,
  ) {
    this.#env = env;
    this.#path = path;
    this.#meta = meta;
    this.#syncEveryBytes = syncEveryBytes;
    this.#head = encodeHead(meta);
    this.#file = file;
    this.#bytes = written.bytes;
    this.#crc = written.crc;
  }

  /** Begins anew: never in a file that is there, whose last sync may have failed. */
  static async begin(env: SnapshotEnv, plan: DraftPlan): Promise<SnapshotDraft> {
    const { path } = plan;
    if (await env.disk.lstat(path) !== null) await env.disk.remove(path);
    const file = await env.disk.open(path, { read: true, write: true, createNew: true });
    const draft = new SnapshotDraft(env, plan, file, NOTHING);
    try {
      await file.write(draft.#head, 0);
    } catch (thrown) {
      await draft.drop();
      throw thrown;
    }
    return draft;
  }

  /** Goes on with one of which `written` is there and right. */
  static async resume(
    env: SnapshotEnv,
    plan: DraftPlan,
    written: SnapshotFile,
  ): Promise<SnapshotDraft> {
    const file = await env.disk.open(plan.path, { read: true, write: true });
    const draft = new SnapshotDraft(env, plan, file, written);
    try {
      await file.write(draft.#head, 0);
    } catch (thrown) {
      await draft.leave();
      throw thrown;
    }
    return draft;
  }

  /** What of the state is written. */
  get written(): SnapshotFile {
    return { bytes: this.#bytes, crc: this.#crc };
  }

  async append(piece: Uint8Array): Promise<void> {
    await this.#file.write(piece, this.#head.length + this.#bytes);
    const before = this.#bytes;
    this.#bytes += piece.length;
    this.#crc = this.#env.hash.crc32(piece, this.#crc);
    const part = (bytes: number) => Math.floor(bytes / this.#syncEveryBytes);
    if (part(before) !== part(this.#bytes)) await this.#file.syncData();
  }

  /** Makes it durable, and then a snapshot. */
  async finish(): Promise<ReadSnapshot> {
    const { written } = this;
    await this.#file.write(encodeSnapshotHeader(this.#head, written, this.#env.hash.crc32), 0);
    await this.#file.sync();
    await this.#file.close();
    const stored = { snapshot: this.#meta, file: written };
    const folder = parentOf(this.#path);
    const path = snapshotPath(folder, stored);
    await this.#env.disk.rename(this.#path, path);
    await this.#env.disk.syncDirectory(folder);
    return { stored, path, stateOffset: this.#head.length };
  }

  /** Ends the work on it, and leaves what there is. */
  async leave(): Promise<void> {
    await this.#file.close();
  }

  /** Gives it up. */
  async drop(): Promise<void> {
    await this.#file.close();
    if (await this.#env.disk.lstat(this.#path) !== null) await this.#env.disk.remove(this.#path);
  }
}
