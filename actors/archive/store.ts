/**
 * The archive of one controller: its segments and their index. What it holds is durable and whole; the
 * replicated state says what it should hold.
 */

import type { Env, KvStore } from "../../runtime/env/env.ts";
import { limitValues } from "../../runtime/base/limits.ts";
import type { ArchivedRun, SegmentRecord } from "../controller/state.ts";
import type { Job } from "../job/record.ts";
import { type ArchiveChecks, UNCHECKED } from "./checks.ts";
import { ArchiveError } from "./errors.ts";
import { SegmentFiles, type SegmentName } from "./files.ts";
import { ARCHIVE_LIMITS, type ArchiveLimits } from "./limits.ts";
import type { Part } from "./order.ts";
import { ArchiveIndex, type IndexRange, type RunPlace } from "./run_index.ts";
import { parseJobLine, parseRow, parseRunLine, segmentPieces } from "./segment.ts";
import { type ArchivedSummary, type IndexedJob, wholeSummary } from "./summary.ts";

/** Which runs of a list. */
export interface RunQuery extends IndexRange {
  /** The first segment that is kept: what is in earlier ones is about to be removed. */
  readonly first: number;
  readonly isWanted: (run: ArchivedSummary) => boolean;
}

/** Which jobs of a list. */
export interface JobQuery extends IndexRange {
  readonly first: number;
  /** Null: those of all runs. */
  readonly runId: string | null;
  readonly isWanted: (job: IndexedJob) => boolean;
  /** Whether the labels of a job's run are those that are looked for; null: any are. */
  readonly hasLabels: ((labels: ArchivedSummary["labels"]) => boolean) | null;
}

/** What the store takes of Env. */
export type ArchiveEnv = Pick<Env, "disk" | "hash" | "kv">;

/** See the head of this file. */
export class ArchiveStore {
  readonly files: SegmentFiles;
  readonly #index: ArchiveIndex;
  readonly #kv: KvStore;
  /** Hashes of what is on the disk and in the index, by number. */
  readonly #held: Map<number, string>;
  #checks: ArchiveChecks;

  private constructor(
    files: SegmentFiles,
    index: ArchiveIndex,
    kv: KvStore,
    held: Map<number, string>,
    checks: ArchiveChecks,
  ) {
    this.#checks = checks;
    this.files = files;
    this.#index = index;
    this.#kv = kv;
    this.#held = held;
  }

  /** Opens the archive in a folder of its own; one process at a time. */
  static async open(
    env: ArchiveEnv,
    folder: string,
    limits: Partial<ArchiveLimits> = {},
  ): Promise<ArchiveStore> {
    const files = await SegmentFiles.open(env, `${folder}/segments`);
    const kv = await env.kv.open(`${folder}/index.kv`);
    const index = await ArchiveIndex.open(kv, limitValues(ARCHIVE_LIMITS, limits).archiveScan);
    const indexed = new Map((await index.segments()).map(({ number, hash }) => [number, hash]));
    const held = (await files.list()).filter(({ number, hash }) => indexed.get(number) === hash);
    return new ArchiveStore(
      files,
      index,
      kv,
      new Map(held.map(({ number, hash }) => [number, hash])),
      await index.checks() ?? UNCHECKED,
    );
  }

  /** The numbers of the segments that are here. */
  numbers(): readonly number[] {
    return [...this.#held.keys()];
  }

  /** What is known of the checks of its segments. */
  get checks(): ArchiveChecks {
    return this.#checks;
  }

  /** Durable when it resolves. */
  async noteChecks(checks: ArchiveChecks): Promise<void> {
    this.#checks = checks;
    await this.#index.noteChecks(checks);
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
    for (const number of this.numbers()) {
      if (await this.check(number) === false) damaged.push(number);
    }
    return damaged;
  }

  /** The same of one segment; `read` is awaited after each piece. Null: it has been dropped meanwhile. */
  async check(number: number, read?: (bytes: number) => Promise<void>): Promise<boolean | null> {
    const hash = this.#held.get(number);
    if (hash === undefined) return null;
    const name = { number, hash };
    if (await this.files.isWhole(name, read)) return true;
    if (!this.holds(name)) return null;
    this.#held.delete(number);
    await this.files.remove(name);
    return false;
  }

  /** Runs of a list. */
  async runs({ first, isWanted, ...range }: RunQuery): Promise<Part<ArchivedSummary>> {
    return await this.#index.runs(range, async (summary: ArchivedSummary) => {
      if (summary.segment < first) return null;
      const run = summary.isWhole ? summary : await this.#whole(summary);
      return isWanted(run) ? run : null;
    });
  }

  /** Jobs of a list. */
  async jobs(
    { first, runId, isWanted, hasLabels, ...range }: JobQuery,
  ): Promise<Part<IndexedJob>> {
    const run = runId === null ? null : await this.#index.place(runId);
    if (runId !== null && run === null) return { items: [], through: null };
    // Jobs of a run stand together.
    let looked: { readonly runId: string; readonly fits: boolean } | null = null;
    return await this.#index.jobs(range, run, async (job: IndexedJob) => {
      if (job.segment < first || (runId !== null && job.runId !== runId)) return null;
      if (!isWanted(job)) return null;
      if (hasLabels === null) return job;
      if (looked?.runId !== job.runId) {
        looked = { runId: job.runId, fits: hasLabels(await this.labels(job.runId)) };
      }
      return looked.fits ? job : null;
    });
  }

  /** The labels of an archived run; none where it is not here any more. */
  async labels(runId: string): Promise<ArchivedSummary["labels"]> {
    const place = await this.#index.place(runId);
    const summary = place === null ? null : await this.#index.summary(runId, place);
    if (summary === null) return {};
    return (summary.isWhole ? summary : await this.#whole(summary)).labels;
  }

  /** The job that the index speaks of; null: its segment is not here any more. */
  async job({ segment, offset, bytes }: IndexedJob): Promise<Job | null> {
    const text = await this.#text({ segment, offset, bytes });
    return text === null ? null : parseJobLine(text);
  }

  /** An archived run with its jobs; null: it is not here. */
  async get(runId: string): Promise<ArchivedRun | null> {
    const place = await this.#index.place(runId);
    const text = place === null ? null : await this.#text(place);
    return text === null ? null : parseRow(text);
  }

  /** A summary that the index could not hold, as the run's line has it; as it is where that is not here. */
  async #whole(summary: ArchivedSummary): Promise<ArchivedSummary> {
    const place = await this.#index.place(summary.runId);
    if (place === null) return summary;
    const { segment, offset, lineBytes: bytes } = place;
    const text = await this.#text({ segment, offset, bytes });
    const line = text === null ? null : parseRunLine(text);
    return line === null ? summary : wholeSummary(line, summary);
  }

  async #text(
    { segment: number, offset, bytes }: Pick<RunPlace, "segment" | "offset" | "bytes">,
  ): Promise<string | null> {
    const hash = this.#held.get(number);
    if (hash === undefined) return null;
    const read = await this.files.read({ number, hash }, offset, bytes);
    return read === null ? null : new TextDecoder().decode(read.bytes);
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
