/**
 * Segments made ahead: files of zeros, durable with their names, so that a full disk shows before an
 * order is written and a write changes no size.
 */

import { assert } from "../../base/assert.ts";
import { MIB } from "../../base/units.ts";
import { messageOf } from "../../base/errors.ts";
import type { DiskFile } from "../../env/env.ts";
import { diskFull, isNoSpace } from "./log_errors.ts";
import type { RaftLogEnv, RaftLogLimits } from "./log_options.ts";
import { segmentPath } from "./segment_format.ts";

/** More than a write does at once (`syncWriteBytes`): the event loop gets its turns in between. */
const ZEROS: Readonly<Uint8Array> = new Uint8Array(1 * MIB);
/** One for the next entries, one that only orders without entries may take. */
const LEAST = 2;

/** A segment that is ready to be used. */
export interface Spare {
  readonly sequence: number;
  readonly path: string;
  readonly bytes: number;
}

/** Writes zeros over `[from, to)`. */
export async function writeZeros(file: DiskFile, from: number, to: number): Promise<void> {
  for (let at = from; at < to; at += ZEROS.length) {
    await file.write(ZEROS.subarray(0, Math.min(ZEROS.length, to - at)), at);
  }
}

/** See the head of this file. */
export class Spares {
  readonly #env: RaftLogEnv;
  readonly #folder: string;
  readonly #segmentBytes: number;
  readonly #syncEveryBytes: number;
  readonly #target: number;
  readonly #ready: Spare[] = [];
  #nextSequence: number;
  #making: Promise<void> | null = null;
  /** A failure other than a full disk: the store must not go on. */
  #failure: unknown = null;

  constructor(env: RaftLogEnv, folder: string, limits: RaftLogLimits, nextSequence: number) {
    this.#env = env;
    this.#folder = folder;
    this.#segmentBytes = limits.segmentBytes;
    this.#syncEveryBytes = limits.syncEveryBytes;
    this.#target = Math.max(LEAST, Math.ceil(limits.reserveBytes / limits.segmentBytes));
    this.#nextSequence = nextSequence;
  }

  /** Makes sure of as many segments as there are sizes, each at least so long; `DiskFull` otherwise. */
  async provide(sizes: readonly number[]): Promise<void> {
    await this.#making;
    if (this.#failure !== null) throw this.#failure;
    while (this.#ready.length < sizes.length) await this.#make(this.#segmentBytes);
    for (const [position, bytes] of sizes.entries()) {
      const spare = this.#ready[position]!;
      if (spare.bytes >= bytes) continue;
      this.#ready[position] = await this.#prepare(spare.sequence, bytes);
    }
  }

  /** Takes the next one; {@link provide} was called for it. */
  take(): Spare {
    const spare = this.#ready.shift();
    assert(spare !== undefined, "a segment is ready before the log goes on to it");
    return spare;
  }

  /** Makes what is missing, in the background. */
  refill(): void {
    this.#making ??= this.#fill().finally(() => this.#making = null);
  }

  /** Waits for what {@link refill} began. */
  async settled(): Promise<void> {
    await this.#making;
  }

  /** Never rejects: a full disk is told to who needs room, anything else ends the store there. */
  async #fill(): Promise<void> {
    try {
      while (this.#ready.length < this.#target) await this.#make(this.#segmentBytes);
    } catch (thrown) {
      if (!isNoSpace((thrown as Error).cause)) this.#failure = thrown;
      this.#env.log.write("warn", "no segment could be made ahead for a Raft log", {
        folder: this.#folder,
        reason: messageOf(thrown),
      });
    }
  }

  async #make(bytes: number): Promise<void> {
    this.#ready.push(await this.#prepare(this.#nextSequence, bytes));
    this.#nextSequence += 1;
  }

  /** Zeros over all of the file, also where some stand: their last sync may have failed. */
  async #prepare(sequence: number, bytes: number): Promise<Spare> {
    const { disk } = this.#env;
    const path = segmentPath(this.#folder, sequence);
    const before = await disk.stat(path);
    const length = Math.max(bytes, before?.size ?? 0);
    const file = await disk.open(path, { write: true, create: true });
    try {
      for (let at = 0; at < length; at += this.#syncEveryBytes) {
        await writeZeros(file, at, Math.min(length, at + this.#syncEveryBytes));
        await file.syncData();
      }
      await file.sync();
    } catch (thrown) {
      if (isNoSpace(thrown) && before !== null) await file.truncate(before.size);
      await file.close();
      if (!isNoSpace(thrown)) throw thrown;
      if (before === null) await disk.remove(path);
      throw diskFull(`make room for the log in ${path}`, thrown);
    }
    await file.close();
    await disk.syncDirectory(this.#folder);
    return { sequence, path, bytes: length };
  }
}
