/**
 * Parallel ranges: several readers, each on a chunk of its own.
 *
 * The file's hash runs in order. The reader whose chunk is next feeds it from memory; chunks
 * that were complete before their turn are read back from the temporary file (the page cache).
 */

import type { HashLane } from "../../runtime/env/env.ts";
import type { Fingerprint } from "../../protocols/contract.ts";
import { ChunkBoard } from "./chunk_board.ts";
import { boundsOf, RangeReaders, type Ranges, shortRange } from "./range_readers.ts";
import { type Pipeline, Stages } from "./stages.ts";

/** Fetches `from` (a chunk's start) to `size` by ranges, writes, and hashes in order. */
export async function fetchRanges(
  pipeline: Pipeline,
  fingerprint: Fingerprint,
  lane: HashLane,
  from: number,
  size: number,
): Promise<void> {
  const { chunkBytes } = pipeline;
  const board = new ChunkBoard(Math.floor(from / chunkBytes), Math.ceil(size / chunkBytes));
  const stop = new AbortController();
  const signal = AbortSignal.any([pipeline.signal, stop.signal]);
  const ranges = { pipeline: { ...pipeline, signal }, fingerprint, lane, board, size };
  const failed = (error: unknown) => {
    stop.abort(error);
    board.tell();
  };
  const readers = new RangeReaders(ranges, failed);
  await Promise.all([readers.ended(), hashInOrder(ranges).catch(failed)]);
  pipeline.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
}

/** Follows the frontier: what was complete before its turn is read back and hashed. */
async function hashInOrder(ranges: Ranges): Promise<void> {
  const { pipeline, board } = ranges;
  while (board.frontier < board.end) {
    pipeline.signal.throwIfAborted();
    if (!board.complete.delete(board.frontier)) {
      await board.change();
      continue;
    }
    await hashBack(ranges, board.frontier);
    board.frontier += 1;
    board.tell();
  }
}

async function hashBack(ranges: Ranges, chunk: number): Promise<void> {
  const { pipeline, lane } = ranges;
  const [start, end] = boundsOf(ranges, chunk);
  const stages = new Stages(pipeline, lane);
  try {
    for (let at = start; at < end;) {
      const limit = Math.min(pipeline.slotBytes, end - at);
      const length = await stages.readBack(at, limit);
      if (length < limit) throw shortRange(start, end, at + length);
      stages.feed(length);
      at += length;
    }
    stages.endChunk(chunk);
  } finally {
    stages.letGo();
    await stages.settled();
  }
  stages.check();
}
