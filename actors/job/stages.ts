/**
 * What the stages of one attempt share, and the stages behind one reader: the buffer that is being
 * filled, the write, and the hash steps under way.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Block, Hashing, HashLane } from "../../runtime/env/env.ts";
import type { SinkFile, Source, SourceReader } from "../../protocols/contract.ts";
import type { Regulator } from "../adaptive/regulator.ts";
import type { Window } from "./buffers.ts";
import type { ChunkTimes } from "./chunk_times.ts";
import type { ChunkDigests } from "./digests.ts";
import { JobError } from "./errors.ts";
import type { Meter } from "./meter.ts";

/** What is told when chunks are complete: written, and their digest known. */
export interface ChunkListener {
  chunkDone(chunk: number): void;
  /** Resolves when another chunk may be fetched: so many bytes at most are not kept yet. */
  ready(): Promise<void>;
}

/** Everything that the stages of one attempt share. */
export interface Pipeline {
  readonly hash: Hashing;
  /** `false`: the bytes are moved and counted, nothing else is known of them. */
  readonly hashed: boolean;
  readonly window: Window;
  readonly slotBytes: number;
  readonly chunkBytes: number;
  readonly parallelRanges: number;
  /** Tells how many of them at a time, now and when that changes; to be closed. */
  readonly regulate: (
    most: number,
    isFull: () => boolean,
    changed: (atOnce: number) => void,
  ) => Regulator;
  readonly chunksAhead: number;
  /** More than this is refused while it arrives; `null`: any size. */
  readonly maxBytes: number | null;
  readonly source: Source;
  readonly file: SinkFile;
  readonly digests: ChunkDigests;
  readonly meter: Meter;
  /** Absent: nobody wants to know how long chunks take. */
  readonly times?: ChunkTimes | undefined;
  readonly listener: ChunkListener;
  readonly signal: AbortSignal;
}

/**
 * The stages behind one reader: the buffer that was read last, and the hash steps under way.
 * A failed hash step shows at the next {@link Stages.check}; its buffer is given back all the same.
 */
export class Stages {
  readonly #pipeline: Pipeline;
  readonly #lane: HashLane;
  readonly #underWay = new Set<Promise<void>>();
  #slot: Block | null = null;
  /** Ends the time of the chunk that is being read. */
  #chunkEnds: (() => void) | null = null;
  /** The writes, one after the other. */
  #order: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | null = null;

  constructor(pipeline: Pipeline, lane: HashLane) {
    this.#pipeline = pipeline;
    this.#lane = lane;
  }

  /** Takes a buffer and fills it with up to `limit` bytes; fewer only at the reader's end. */
  async read(reader: SourceReader, limit: number): Promise<number> {
    this.check();
    this.#chunkEnds ??= this.#pipeline.times?.begin() ?? null;
    this.#slot = await this.#pipeline.window.take();
    const length = await fill(reader, this.#slot, limit, this.#pipeline.meter);
    this.#refuseTooMuch();
    return length;
  }

  /** The same for bytes that were written before. */
  async readBack(at: number, limit: number): Promise<number> {
    this.check();
    const slot = this.#slot = await this.#pipeline.window.take();
    let length = 0;
    while (length < limit) {
      const got = await this.#pipeline.file.read(slot.bytes.subarray(length, limit), at + length);
      if (got === 0) break;
      length += got;
    }
    return length;
  }

  /** A buffer that was filled elsewhere. */
  adopt(slot: Block): void {
    assert(this.#slot === null, "one buffer at a time is being filled");
    this.#slot = slot;
    this.#chunkEnds ??= this.#pipeline.times?.begin() ?? null;
  }

  /** All of a chunk was read: its time is over when what was asked for before is written. */
  chunkRead(): void {
    const ends = this.#chunkEnds;
    this.#chunkEnds = null;
    if (ends !== null) this.#next(ends);
  }

  /**
   * Writes what was read at `at`, and hashes it where it is the next of the file (`inOrder`). Returns at
   * once: the next buffer is read meanwhile. Writes and hash steps keep their order.
   */
  write(at: number, length: number, inOrder: boolean): void {
    const slot = this.#takeSlot();
    this.#next(async () => {
      await this.#pipeline.file.write(slot.bytes.subarray(0, length), at);
      if (inOrder) this.#hash(slot, length);
      else this.#pipeline.window.give(slot);
    }, () => this.#pipeline.window.give(slot));
  }

  /** Hashes what was read back; the buffer goes back when that is done. */
  feed(length: number): void {
    const slot = this.#takeSlot();
    this.#next(() => this.#hash(slot, length), () => this.#pipeline.window.give(slot));
  }

  /** The hash has come to the end of `chunk`: its digest is noted as soon as it is known. */
  endChunk(chunk: number): void {
    if (!this.#pipeline.hashed) return;
    this.#next(() =>
      this.#track(
        this.#lane.mark().then((digest) => {
          this.#pipeline.digests.set(chunk, digest);
          this.#pipeline.listener.chunkDone(chunk);
        }),
      )
    );
  }

  /** Gives back a buffer that was read but not written. */
  letGo(): void {
    if (this.#slot !== null) this.#pipeline.window.give(this.#slot);
    this.#slot = null;
  }

  /** Throws what a stage failed with, or the reason of an abort. */
  check(): void {
    if (this.#failure !== null) throw this.#failure.error;
    this.#pipeline.signal.throwIfAborted();
  }

  /** Resolves when no stage is under way any more. */
  async settled(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** A source that announced no size must not fill the disk. */
  #refuseTooMuch(): void {
    const { maxBytes, meter } = this.#pipeline;
    if (maxBytes === null || meter.keptBytes + meter.fetchedBytes <= maxBytes) return;
    throw new JobError(
      "sizeRefused",
      `the source delivers more than the ${maxBytes} bytes that validation.expectedSize allows; ` +
        "nothing was published",
    );
  }

  #takeSlot(): Block {
    const slot = this.#slot;
    assert(slot !== null, "what is written or hashed was read before");
    this.#slot = null;
    return slot;
  }

  #hash(slot: Block, length: number): void {
    const { window } = this.#pipeline;
    this.#track(this.#lane.feed(slot, length).finally(() => window.give(slot)));
  }

  /** Runs `step` after all that were asked for before; `instead` if one of them has failed, or it does. */
  #next(step: () => Promise<void> | void, instead: () => void = () => {}): void {
    this.#order = this.#order.then(async () => {
      if (this.#failure !== null) return instead();
      try {
        await step();
      } catch (error) {
        this.#failure ??= { error };
        instead();
      }
    });
    this.#track(this.#order);
  }

  #track(step: Promise<void>): void {
    const tracked = step.catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

/** Reads until `limit` bytes are there or the reader ends. */
export async function fill(
  reader: SourceReader,
  slot: Block,
  limit: number,
  meter: Meter,
): Promise<number> {
  let length = 0;
  while (length < limit) {
    const got = reader.fill === undefined
      ? await reader.read(slot.bytes.subarray(length, limit))
      : await reader.fill(slot, length, limit);
    if (got === 0) break;
    length += got;
    meter.fetchedBytes += got;
  }
  return length;
}
