/**
 * The readers of one file, each on a range of its own: as many as the regulator says. One that is too
 * many ends after its chunk. A range that the host refuses goes back to the others, unless nobody else
 * reads: then the attempt fails.
 */

import type { HashLane } from "../../runtime/env/env.ts";
import { errorData, QuorusError } from "../../runtime/base/errors.ts";
import { isCongested } from "../adaptive/congestion.ts";
import { ADAPTIVE_LIMITS } from "../adaptive/limits.ts";
import type { Regulator } from "../adaptive/regulator.ts";
import type { Fingerprint, SourceReader } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import type { ChunkBoard } from "./chunk_board.ts";
import { type Pipeline, Stages } from "./stages.ts";

/** What the readers of one file share. */
export interface Ranges {
  readonly pipeline: Pipeline;
  readonly fingerprint: Fingerprint;
  readonly lane: HashLane;
  readonly board: ChunkBoard;
  readonly size: number;
}

/** See the head of this file. */
export class RangeReaders {
  readonly #ranges: Ranges;
  readonly #failed: (error: unknown) => void;
  readonly #regulator: Regulator;
  readonly #readers = new Set<Promise<void>>();
  #most = 0;
  #active = 0;
  #refused = 0;
  /** One had nothing to do, as too much waits for the hash already. */
  #hasWaited = false;

  constructor(ranges: Ranges, failed: (error: unknown) => void) {
    this.#ranges = ranges;
    this.#failed = failed;
    const { pipeline } = ranges;
    this.#regulator = pipeline.regulate(
      pipeline.parallelRanges,
      () => this.#wasFull(),
      (most) => {
        this.#most = most;
        // The first ones are begun by `ended`.
        if (this.#active > 0) this.#begin();
      },
    );
  }

  /** Begins, and resolves when there is nothing left to fetch, or one of them has failed. */
  async ended(): Promise<void> {
    try {
      this.#begin();
      while (this.#readers.size > 0) await Promise.all(this.#readers);
    } finally {
      this.#regulator.close();
    }
  }

  #begin(): void {
    const { board, pipeline: { signal } } = this.#ranges;
    while (this.#active < this.#most && board.next !== null && !signal.aborted) {
      this.#active += 1;
      const reader = this.#read().catch((error) => this.#failed(error)).finally(() => {
        this.#readers.delete(reader);
      });
      this.#readers.add(reader);
    }
  }

  /** One reader: takes the next chunk until there is none. */
  async #read(): Promise<void> {
    const { board, pipeline } = this.#ranges;
    try {
      while (board.next !== null && this.#active <= this.#most) {
        await pipeline.listener.ready();
        pipeline.signal.throwIfAborted();
        const { next } = board;
        if (next === null) return;
        if (next >= board.frontier + pipeline.chunksAhead) {
          this.#hasWaited = true;
          await board.change();
          continue;
        }
        if (!await this.#fetch(board.take())) return;
        this.#begin();
      }
    } finally {
      this.#active -= 1;
    }
  }

  /** `false`: it was refused, and is left to the others. */
  async #fetch(chunk: number): Promise<boolean> {
    const { board, pipeline } = this.#ranges;
    const begunAfter = this.#regulator.changes;
    const live = chunk === board.frontier;
    const [start, end] = boundsOf(this.#ranges, chunk);
    let reader: SourceReader;
    try {
      reader = await pipeline.source.open(
        { start, end },
        this.#ranges.fingerprint,
        pipeline.signal,
      );
    } catch (error) {
      if (!this.#mayGoBack(error)) throw error;
      this.#refused += 1;
      board.giveBack(chunk);
      this.#regulator.refused(errorData(error).code, begunAfter);
      return false;
    }
    await fetchChunk(this.#ranges, reader, chunk, live);
    this.#regulator.ended();
    if (live) board.frontier += 1;
    else board.complete.add(chunk);
    board.tell();
    return true;
  }

  /** Nothing of it was read, and somebody else may. */
  #mayGoBack(error: unknown): boolean {
    return error instanceof QuorusError && isCongested(error.code) && this.#active > 1 &&
      this.#regulator.isFollowing && this.#refused < ADAPTIVE_LIMITS.refusedRanges.value &&
      !this.#ranges.pipeline.signal.aborted;
  }

  #wasFull(): boolean {
    const hasWaited = this.#hasWaited;
    this.#hasWaited = false;
    return !hasWaited && this.#active >= this.#most;
  }
}

/** The bytes of a chunk; the last one is shorter. */
export function boundsOf(
  { pipeline: { chunkBytes }, size }: Ranges,
  chunk: number,
): readonly [start: number, end: number] {
  const start = chunk * chunkBytes;
  return [start, Math.min(size, start + chunkBytes)];
}

async function fetchChunk(
  ranges: Ranges,
  reader: SourceReader,
  chunk: number,
  live: boolean,
): Promise<void> {
  const { pipeline, lane } = ranges;
  const [start, end] = boundsOf(ranges, chunk);
  const stages = new Stages(pipeline, lane);
  try {
    for (let at = start; at < end;) {
      const limit = Math.min(pipeline.slotBytes, end - at);
      const length = await stages.read(reader, limit);
      if (length < limit) throw shortRange(start, end, at + length);
      stages.write(at, length, live);
      at += length;
    }
    stages.chunkRead();
    if (live) stages.endChunk(chunk);
  } finally {
    stages.letGo();
    await stages.settled();
    await reader.close();
  }
  stages.check();
}

/** A range that has ended too early. */
export function shortRange(start: number, end: number, at: number): ProtocolError {
  return new ProtocolError(
    "truncated",
    `the range ${start}-${end} ended at ${at}; nothing was published`,
    { details: { start, end, at } },
  );
}
