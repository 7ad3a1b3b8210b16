/**
 * The archive of one controller: its segments and their index. What it holds is durable and whole; the
 * replicated state says what it should hold.
 */

import type { Env, KvStore } from "../../runtime/env/env.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { ArchivedRun, SegmentRecord } from "../controller/state.ts";
import { ACTOR_LIMITS } from "../limits.ts";
import { ArchiveError } from "./errors.ts";
import { SegmentFiles, type SegmentName } from "./files.ts";
import { ArchiveIndex, type ArchiveQuery, type SummaryPage } from "./run_index.ts";
import { parseRow, segmentPieces } from "./segment.ts";

const LIMITS = limitValues(ACTOR_LIMITS);

/** What the store takes of Env. */
export type ArchiveEnv = Pick<Env, "disk" | "hash" | "kv">;

/** See the head of this file. */
export class ArchiveStore {
  readonly files: SegmentFiles;
  readonly #index: ArchiveIndex;
  readonly #kv: KvStore;
  /** Hashes of what is on the disk and in the index, by number. */
  readonly #held: Map<number, string>;

  private constructor(
    files: SegmentFiles,
    index: ArchiveIndex,
    kv: KvStore,
    held: Map<number, string>,
  ) {
    this.files = files;
    this.#index = index;
    this.#kv = kv;
    this.#held = held;
  }

  /** Opens the archive in a folder of its own; one process at a time. */
  static async open(env: ArchiveEnv, folder: string): Promise<ArchiveStore> {
    const files = await SegmentFiles.open(env, `${folder}/segments`);
    const kv = await env.kv.open(`${folder}/index.kv`);
    const index = new ArchiveIndex(kv, LIMITS.archiveScan);
    const indexed = new Map((await index.segments()).map(({ number, hash }) => [number, hash]));
    const held = (await files.list()).filter(({ number, hash }) => indexed.get(number) === hash);
    return new ArchiveStore(
      files,
      index,
      kv,
      new Map(held.map(({ number, hash }) => [number, hash])),
    );
  }

  holds({ number, hash }: SegmentName): boolean {
    return this.#held.get(number) === hash;
  }

  /**
   * Takes a segment in from what the disk has of it, or from its rows, or from `fetch`; durable when it
   * resolves. ArchiveError `damaged` where none of these is what the chain speaks of.
   */
  async take(
    record: SegmentRecord,
    rows: readonly ArchivedRun[] | undefined,
    fetch: () => AsyncIterable<Uint8Array>,
  ): Promise<void> {
    if (this.holds(record)) return;
    if (await this.files.has(record) && await this.#indexed(record)) return;
    const { number, previous } = record;
    const pieces = rows === undefined ? fetch() : segmentPieces(number, previous, rows);
    await this.files.write(record, pieces);
    await this.#index.add(this.files, record);
    this.#held.set(number, record.hash);
  }

  /** A file that is damaged makes room for another one. */
  async #indexed(record: SegmentRecord): Promise<boolean> {
    try {
      await this.#index.add(this.files, record);
      this.#held.set(record.number, record.hash);
      return true;
    } catch (error) {
      if (!(error instanceof ArchiveError)) throw error;
      await this.files.remove(record);
      return false;
    }
  }

  /** Forgets all segments before `first`: files, index and all. */
  async dropBefore(first: number): Promise<void> {
    for (const name of await this.files.list()) {
      if (name.number >= first) return;
      this.#held.delete(name.number);
      await this.#index.forget(this.files, name);
      await this.files.remove(name);
    }
  }

  /**
   * Reads every byte that is held. What is damaged is given up, to be taken in again, and its numbers
   * are told.
   */
  async verify(): Promise<number[]> {
    const damaged: number[] = [];
    for (const [number, hash] of [...this.#held]) {
      if (await this.files.isWhole({ number, hash })) continue;
      this.#held.delete(number);
      await this.files.remove({ number, hash });
      damaged.push(number);
    }
    return damaged;
  }

  find(query: ArchiveQuery): Promise<SummaryPage> {
    return this.#index.find(query);
  }

  /** An archived run with its jobs; null: it is not here. */
  async get(runId: string): Promise<ArchivedRun | null> {
    const place = await this.#index.place(runId);
    if (place === null) return null;
    const { segment: number, hash, offset, bytes } = place;
    const read = await this.files.read({ number, hash }, offset, bytes);
    return read === null ? null : parseRow(new TextDecoder().decode(read.bytes));
  }

  /** The archived run that a job belongs to; null: it is not here. */
  async getByJob(jobId: string): Promise<ArchivedRun | null> {
    const runId = await this.#index.runOf(jobId);
    return runId === null ? null : await this.get(runId);
  }

  async close(): Promise<void> {
    await this.#kv.close();
  }
}
