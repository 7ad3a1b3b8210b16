/** Writing journal segments: one write and one sync per batch, a new file when one is long enough. */

import { assert } from "../base/assert.ts";
import type { DiskFile } from "../env/env.ts";
import {
  encodeHeader,
  encodeRecord,
  HEADER_BYTES,
  RECORD_HEAD_BYTES,
  viewOf,
} from "./journal_format.ts";
import {
  type JournalEnv,
  type JournalLimits,
  type ScannedSegment,
  type Segment,
  segmentPath,
} from "./journal_scan.ts";

/** The open end of a journal. */
export class SegmentWriter {
  readonly #env: JournalEnv;
  readonly #directory: string;
  readonly #limits: JournalLimits;
  readonly #sync: boolean;
  #file: DiskFile | null = null;
  #offset = 0;
  #fileBytes = 0;
  #scratch = new Uint8Array(0);
  /** The first index that may not be durable; stays behind where syncs are skipped. */
  #unsyncedFrom = 1;

  constructor(env: JournalEnv, directory: string, limits: JournalLimits, sync: boolean) {
    this.#env = env;
    this.#directory = directory;
    this.#limits = limits;
    this.#sync = sync;
  }

  /** Makes the segment that begins with `firstIndex`; durable, its name too, before records go in. */
  async create(firstIndex: number): Promise<Segment> {
    const path = segmentPath(this.#directory, firstIndex);
    const file = await this.#env.disk.open(path, { read: true, write: true, createNew: true });
    this.#file = file;
    await file.write(encodeHeader(firstIndex, this.#env.hash.crc32), 0);
    if (this.#limits.preallocateBytes > 0) {
      await file.write(new Uint8Array(this.#limits.preallocateBytes), HEADER_BYTES);
    }
    this.#offset = HEADER_BYTES;
    this.#fileBytes = HEADER_BYTES + this.#limits.preallocateBytes;
    if (this.#sync) await file.sync();
    await this.syncDirectory();
    this.#setUnsyncedFrom(firstIndex);
    return { path, firstIndex };
  }

  /**
   * Goes on after the last whole record of a segment; what was torn off is gone durably first. What it
   * holds is written again: after a failed sync the system takes it for clean, and no later sync, in this
   * process or the next, would bring it to the device (Rebello et al., "Can applications recover from
   * fsync failures?", 2020).
   */
  async resume(segment: ScannedSegment): Promise<void> {
    const file = await this.#env.disk.open(segment.path, { read: true, write: true });
    this.#file = file;
    if (segment.fileBytes > segment.endOffset) await file.truncate(segment.endOffset);
    if (this.#sync) await file.write(segment.bytes.subarray(0, segment.endOffset), 0);
    this.#offset = segment.endOffset;
    this.#fileBytes = segment.endOffset;
    if (this.#sync) await file.sync();
    await this.syncDirectory();
    this.#setUnsyncedFrom(segment.nextIndex);
  }

  /** Makes a batch durable; gives the new segment if it began one. */
  async write(batch: readonly Uint8Array[], firstIndex: number): Promise<Segment | null> {
    const isFull = this.#offset > HEADER_BYTES && this.#offset >= this.#limits.segmentBytes;
    const made = isFull ? await this.#rotate(firstIndex) : null;
    const bytes = this.#encode(batch, firstIndex);
    const file = this.#openFile();
    await file.write(bytes, this.#offset);
    if (this.#sync) await file.syncData();
    this.#offset += bytes.length;
    this.#fileBytes = Math.max(this.#fileBytes, this.#offset);
    this.#setUnsyncedFrom(firstIndex + batch.length);
    return made;
  }

  /** Makes the names of segments durable: those in the directory, and the directory's own. */
  async syncDirectory(): Promise<void> {
    if (!this.#sync) return;
    await this.#env.disk.syncDirectory(this.#directory);
    const slash = this.#directory.lastIndexOf("/");
    const parent = slash > 0 ? this.#directory.slice(0, slash) : slash === 0 ? "/" : ".";
    await this.#env.disk.syncDirectory(parent);
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = null;
  }

  async #rotate(firstIndex: number): Promise<Segment> {
    const file = this.#openFile();
    if (this.#fileBytes > this.#offset) {
      await file.truncate(this.#offset);
      if (this.#sync) await file.sync();
    }
    await file.close();
    this.#file = null;
    return await this.create(firstIndex);
  }

  #encode(batch: readonly Uint8Array[], firstIndex: number): Uint8Array {
    let total = 0;
    for (const payload of batch) total += RECORD_HEAD_BYTES + payload.length;
    if (this.#scratch.length < total) this.#scratch = new Uint8Array(total * 2);
    const { crc32 } = this.#env.hash;
    const view = viewOf(this.#scratch);
    let offset = 0;
    let index = firstIndex;
    for (const payload of batch) {
      const record = { index, unsyncedFrom: this.#unsyncedFrom, payload };
      offset = encodeRecord(this.#scratch, offset, record, crc32, view);
      index += 1;
    }
    return this.#scratch.subarray(0, total);
  }

  #openFile(): DiskFile {
    assert(this.#file !== null, "the journal has an open segment");
    return this.#file;
  }

  #setUnsyncedFrom(index: number): void {
    if (this.#sync) this.#unsyncedFrom = index;
  }
}
