/**
 * Parallel ranges: several readers, each on a chunk of its own.
 *
 * The file's hash runs in order. The reader whose chunk is next feeds it from memory; chunks
 * that were complete before their turn are read back from the temporary file (the page cache).
 */

import type { HashLane } from "../../runtime/env/env.ts";
import type { Fingerprint } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { type Pipeline, Stages } from "./stages.ts";

/** The chunks of one attempt: which is next to fetch, and how far the in-order hash is. */
class ChunkBoard {
  next: number;
  frontier: number;
  readonly end: number;
  readonly complete = new Set<number>();
  #changed: (() => void)[] = [];

  constructor(from: number, end: number) {
    this.next = from;
    this.frontier = from;
    this.end = end;
  }

  /** Wakes whoever waits for {@link ChunkBoard.change}. */
  tell(): void {
    const waiting = this.#changed;
    this.#changed = [];
    for (const wake of waiting) wake();
  }

  change(): Promise<void> {
    return new Promise((resolve) => this.#changed.push(resolve));
  }
}

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
  const within: Pipeline = { ...pipeline, signal };
  const workers = Array.from(
    { length: pipeline.parallelRanges },
    () => fetchChunks(within, fingerprint, lane, board, size),
  );
  const all = [...workers, hashInOrder(within, lane, board, size)].map((worker) =>
    worker.catch((error) => {
      stop.abort(error);
      board.tell();
      throw error;
    })
  );
  const settled = await Promise.allSettled(all);
  pipeline.signal.throwIfAborted();
  if (stop.signal.aborted) throw stop.signal.reason;
  for (const one of settled) if (one.status === "rejected") throw one.reason;
}

/** One reader: takes the next chunk until there is none. */
async function fetchChunks(
  pipeline: Pipeline,
  fingerprint: Fingerprint,
  lane: HashLane,
  board: ChunkBoard,
  size: number,
): Promise<void> {
  while (board.next < board.end) {
    await pipeline.listener.ready();
    pipeline.signal.throwIfAborted();
    if (board.next >= board.end) return;
    if (board.next >= board.frontier + pipeline.chunksAhead) {
      await board.change();
      continue;
    }
    const chunk = board.next++;
    const live = chunk === board.frontier;
    await fetchChunk(pipeline, fingerprint, lane, chunk, size, live);
    if (live) board.frontier += 1;
    else board.complete.add(chunk);
    board.tell();
  }
}

async function fetchChunk(
  pipeline: Pipeline,
  fingerprint: Fingerprint,
  lane: HashLane,
  chunk: number,
  size: number,
  live: boolean,
): Promise<void> {
  const start = chunk * pipeline.chunkBytes;
  const end = Math.min(size, start + pipeline.chunkBytes);
  const reader = await pipeline.source.open({ start, end }, fingerprint, pipeline.signal);
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

/** Follows the frontier: what was complete before its turn is read back and hashed. */
async function hashInOrder(
  pipeline: Pipeline,
  lane: HashLane,
  board: ChunkBoard,
  size: number,
): Promise<void> {
  while (board.frontier < board.end) {
    pipeline.signal.throwIfAborted();
    if (!board.complete.delete(board.frontier)) {
      await board.change();
      continue;
    }
    await hashBack(pipeline, lane, board.frontier, size);
    board.frontier += 1;
    board.tell();
  }
}

async function hashBack(
  pipeline: Pipeline,
  lane: HashLane,
  chunk: number,
  size: number,
): Promise<void> {
  const start = chunk * pipeline.chunkBytes;
  const end = Math.min(size, start + pipeline.chunkBytes);
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

function shortRange(start: number, end: number, at: number): ProtocolError {
  return new ProtocolError(
    "truncated",
    `the range ${start}-${end} ended at ${at}; nothing was published`,
    { details: { start, end, at } },
  );
}
