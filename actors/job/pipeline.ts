/**
 * The pipeline of one attempt: reader(s) -> hash -> writer -> checkpoint.
 *
 * Every buffer comes from the transfer's {@link Window} and goes back when it was written and hashed,
 * so a slow writer or hash stops the reader, and memory is bounded whatever the file's size.
 */

import { assert } from "../../runtime/base/assert.ts";
import type { Hashing, HashLane } from "../../runtime/env/env.ts";
import type { Source, SourceReader } from "../../protocols/contract.ts";
import type { SinkFile } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import type { Window } from "./buffers.ts";
import type { ChunkDigests } from "./digests.ts";
import type { Meter } from "./meter.ts";
import { fetchRanges } from "./ranges.ts";

/** What is told when chunks are complete: written, and their digest known. */
export interface ChunkListener {
  chunkDone(chunk: number): void;
}

/** Everything that the stages of one attempt share. */
export interface Pipeline {
  readonly hash: Hashing;
  readonly window: Window;
  readonly slotBytes: number;
  readonly chunkBytes: number;
  readonly parallelRanges: number;
  readonly chunksAhead: number;
  readonly source: Source;
  readonly file: SinkFile;
  readonly digests: ChunkDigests;
  readonly meter: Meter;
  readonly listener: ChunkListener;
  readonly signal: AbortSignal;
}

/** What came out: all bytes are written, none of them synced yet. */
export interface PipelineResult {
  readonly bytes: number;
  readonly sha256: string;
}

/**
 * Moves what `first` and further ranges deliver into the file, from `keptBytes` on. `lane` has been
 * fed the kept prefix; it is `null` when nothing was kept.
 */
export async function runPipeline(
  pipeline: Pipeline,
  first: SourceReader,
  keptBytes: number,
  lane: HashLane | null,
): Promise<PipelineResult> {
  const size = first.facts.fingerprint.size;
  pipeline.meter.totalBytes = size;
  pipeline.meter.phase = "running";
  if (lane === null) {
    const whole = await moveInOneBuffer(pipeline, first);
    if (!("rest" in whole)) return whole;
    return await moveMany(pipeline, first, pipeline.hash.lane(), 0, whole.rest);
  }
  return await moveMany(pipeline, first, lane, keptBytes, null);
}

/** A file that fits one buffer: one write, hashed on the spot; or the full first buffer. */
async function moveInOneBuffer(
  pipeline: Pipeline,
  reader: SourceReader,
): Promise<PipelineResult | { rest: Uint8Array }> {
  const { window, meter } = pipeline;
  const slot = await window.take();
  let keep = false;
  try {
    const limit = Math.min(slot.length, pipeline.chunkBytes);
    const length = await fill(reader, slot, limit, meter);
    if (length === limit) {
      keep = true;
      return { rest: slot };
    }
    expectEnd(pipeline, reader, length);
    const content = slot.subarray(0, length);
    if (length > 0) await pipeline.file.write(content, 0);
    const hasher = pipeline.hash.sha256();
    hasher.update(content);
    const sha256 = hasher.digestHex();
    if (length > 0) pipeline.digests.set(0, sha256);
    return { bytes: length, sha256 };
  } finally {
    if (!keep) window.give(slot);
  }
}

/** Several buffers: one stream, or ranges side by side where the source has them. */
async function moveMany(
  pipeline: Pipeline,
  first: SourceReader,
  lane: HashLane,
  from: number,
  filled: Uint8Array | null,
): Promise<PipelineResult> {
  try {
    const { size } = first.facts.fingerprint;
    const chunksLeft = size === null ? 0 : Math.ceil((size - from) / pipeline.chunkBytes);
    const parallel = pipeline.parallelRanges > 1 && first.facts.ranges && chunksLeft > 1;
    let end: number;
    if (parallel && size !== null) {
      if (filled !== null) pipeline.window.give(filled);
      pipeline.meter.fetchedBytes -= filled?.length ?? 0;
      await first.close();
      await fetchRanges(pipeline, first.facts.fingerprint, lane, from, size);
      end = size;
    } else {
      end = await streamTo(pipeline, first, lane, from, filled);
      expectEnd(pipeline, first, end);
    }
    return { bytes: end, sha256: await lane.endFile() };
  } catch (error) {
    lane.abort();
    throw error;
  }
}

/** One reader from `from` to its end; the position where it ended. */
async function streamTo(
  pipeline: Pipeline,
  reader: SourceReader,
  lane: HashLane,
  from: number,
  filled: Uint8Array | null,
): Promise<number> {
  const { chunkBytes } = pipeline;
  const stages = new Stages(pipeline, lane);
  let at = from;
  let slot = filled;
  try {
    for (;;) {
      const limit = Math.min(pipeline.slotBytes, chunkBytes - at % chunkBytes);
      const length = slot === null ? await stages.read(reader, limit) : limit;
      if (slot !== null) stages.adopt(slot);
      slot = null;
      if (length > 0) await stages.write(at, length, true);
      at += length;
      const chunkEnds = at % chunkBytes === 0;
      if (length > 0 && (chunkEnds || length < limit)) {
        stages.endChunk(Math.ceil(at / chunkBytes) - 1);
      } else if (length < limit && !chunkEnds) {
        stages.endChunk(Math.floor(at / chunkBytes));
      }
      if (length < limit) break;
    }
  } finally {
    stages.letGo();
    await stages.settled();
  }
  stages.check();
  return at;
}

/**
 * The stages behind one reader: the buffer that was read last, and the hash steps under way.
 * A failed hash step shows at the next {@link Stages.check}; its buffer is given back all the same.
 */
export class Stages {
  readonly #pipeline: Pipeline;
  readonly #lane: HashLane;
  readonly #underWay = new Set<Promise<void>>();
  #slot: Uint8Array | null = null;
  #failure: { error: unknown } | null = null;

  constructor(pipeline: Pipeline, lane: HashLane) {
    this.#pipeline = pipeline;
    this.#lane = lane;
  }

  /** Takes a buffer and fills it with up to `limit` bytes; fewer only at the reader's end. */
  async read(reader: SourceReader, limit: number): Promise<number> {
    this.check();
    this.#slot = await this.#pipeline.window.take();
    return await fill(reader, this.#slot, limit, this.#pipeline.meter);
  }

  /** The same for bytes that were written before. */
  async readBack(at: number, limit: number): Promise<number> {
    this.check();
    const slot = this.#slot = await this.#pipeline.window.take();
    let length = 0;
    while (length < limit) {
      const got = await this.#pipeline.file.read(slot.subarray(length, limit), at + length);
      if (got === 0) break;
      length += got;
    }
    return length;
  }

  /** A buffer that was filled elsewhere. */
  adopt(slot: Uint8Array): void {
    assert(this.#slot === null, "one buffer at a time is being filled");
    this.#slot = slot;
  }

  /** Writes what was read at `at`, and hashes it; `inOrder` where the whole file's hash is next. */
  async write(at: number, length: number, inOrder: boolean): Promise<void> {
    const slot = this.#slot;
    assert(slot !== null, "what is written was read before");
    await this.#pipeline.file.write(slot.subarray(0, length), at);
    const chunk = Math.floor(at / this.#pipeline.chunkBytes);
    this.feed(length, { chunk, file: inOrder });
  }

  /** Hashes what was read; the buffer goes back when that is done. */
  feed(length: number, into: { chunk: number | null; file: boolean }): void {
    const slot = this.#slot;
    assert(slot !== null, "what is hashed was read before");
    this.#slot = null;
    const { window } = this.#pipeline;
    const done = this.#lane.feed(slot.subarray(0, length), into);
    this.#track(done.finally(() => window.give(slot)));
  }

  /** All of the chunk was fed: its digest is noted as soon as it is known. */
  endChunk(chunk: number): void {
    this.#track(
      this.#lane.endChunk(chunk).then((digest) => {
        this.#pipeline.digests.set(chunk, digest);
        this.#pipeline.listener.chunkDone(chunk);
      }),
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

  #track(step: Promise<void>): void {
    const tracked = step.catch((error) => {
      this.#failure ??= { error };
    }).finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

/** Reads until `limit` bytes are there or the reader ends. */
async function fill(
  reader: SourceReader,
  slot: Uint8Array,
  limit: number,
  meter: Meter,
): Promise<number> {
  let length = 0;
  while (length < limit) {
    const got = await reader.read(
      length === 0 && limit === slot.length ? slot : slot.subarray(length, limit),
    );
    if (got === 0) break;
    length += got;
    meter.fetchedBytes += got;
  }
  return length;
}

/** The end is only the end where the source said it would be. */
export function expectEnd(pipeline: Pipeline, reader: SourceReader, end: number): void {
  const { size } = reader.facts.fingerprint;
  if (size === null || end === size) return;
  const [code, what] = end < size ? ["truncated", "only"] as const : ["tooLong", "even"] as const;
  throw new ProtocolError(
    code,
    `the source announced ${size} bytes and delivered ${what} ${end}; nothing was published`,
    { details: { announced: size, delivered: end, chunkBytes: pipeline.chunkBytes } },
  );
}
