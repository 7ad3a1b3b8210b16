/**
 * The pipeline of one attempt: reader(s) -> hash -> writer -> checkpoint.
 *
 * Every buffer comes from the transfer's {@link Window} and goes back when it was written and hashed,
 * so a slow writer or hash stops the reader, and memory is bounded whatever the file's size.
 */

import type { Block, HashLane } from "../../runtime/env/env.ts";
import type { SourceReader } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { fetchRanges } from "./ranges.ts";
import { fill, type Pipeline, Stages } from "./stages.ts";

/** What came out: all bytes are written, none of them synced yet. */
export interface PipelineResult {
  readonly bytes: number;
  /** `null` where the transfer was told not to hash. */
  readonly sha256: string | null;
  /** Fetched by several ranges: the first reader has been closed. */
  readonly parallel: boolean;
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
    return await moveMany(pipeline, first, laneFor(pipeline), 0, whole.rest);
  }
  return await moveMany(pipeline, first, lane, keptBytes, null);
}

/** A file that fits one buffer: one write, hashed on the spot; or the full first buffer. */
async function moveInOneBuffer(
  pipeline: Pipeline,
  reader: SourceReader,
): Promise<PipelineResult | { rest: Block }> {
  const { window, meter } = pipeline;
  const chunkEnds = pipeline.times?.begin();
  const slot = await window.take();
  let keep = false;
  try {
    const limit = Math.min(pipeline.slotBytes, pipeline.chunkBytes);
    const length = await fill(reader, slot, limit, meter);
    if (length === limit) {
      keep = true;
      return { rest: slot };
    }
    expectEnd(pipeline, reader, length);
    const content = slot.bytes.subarray(0, length);
    if (length > 0) {
      await pipeline.file.write(content, 0);
      chunkEnds?.();
    }
    if (!pipeline.hashed) return { bytes: length, sha256: null, parallel: false };
    const hasher = pipeline.hash.sha256();
    hasher.update(content);
    const sha256 = hasher.digestHex();
    if (length > 0) pipeline.digests.set(0, sha256);
    return { bytes: length, sha256, parallel: false };
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
  filled: Block | null,
): Promise<PipelineResult> {
  try {
    const { size } = first.facts.fingerprint;
    const chunksLeft = size === null ? 0 : Math.ceil((size - from) / pipeline.chunkBytes);
    const parallel = pipeline.parallelRanges > 1 && first.facts.ranges && chunksLeft > 1;
    let end: number;
    if (parallel && size !== null) {
      if (filled !== null) pipeline.window.give(filled);
      pipeline.meter.fetchedBytes -= filled === null
        ? 0
        : Math.min(pipeline.slotBytes, pipeline.chunkBytes);
      await first.close();
      await fetchRanges(pipeline, first.facts.fingerprint, lane, from, size);
      end = size;
    } else {
      end = await streamTo(pipeline, first, lane, from, filled);
      expectEnd(pipeline, first, end);
    }
    const sha256 = await lane.end();
    return { bytes: end, sha256: pipeline.hashed ? sha256 : null, parallel };
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
  filled: Block | null,
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
      if (length > 0) stages.write(at, length, true);
      at += length;
      if (length > 0 && at % chunkBytes === 0) {
        stages.chunkRead();
        stages.endChunk(at / chunkBytes - 1);
        await pipeline.listener.ready();
      }
      if (length === limit) continue;
      if (at % chunkBytes !== 0) {
        stages.chunkRead();
        stages.endChunk(Math.floor(at / chunkBytes));
      }
      break;
    }
  } finally {
    stages.letGo();
    await stages.settled();
  }
  stages.check();
  return at;
}

/** The end is only the end where the source said it would be. */
function expectEnd(pipeline: Pipeline, reader: SourceReader, end: number): void {
  const { size } = reader.facts.fingerprint;
  if (size === null || end === size) return;
  const [code, what] = end < size ? ["truncated", "only"] as const : ["tooLong", "even"] as const;
  throw new ProtocolError(
    code,
    `the source announced ${size} bytes and delivered ${what} ${end}; nothing was published`,
    { details: { announced: size, delivered: end, chunkBytes: pipeline.chunkBytes } },
  );
}

/** Where bytes go that are only to be moved. */
const UNHASHED: HashLane = {
  feed: () => Promise.resolve(),
  mark: () => Promise.resolve(""),
  end: () => Promise.resolve(""),
  abort: () => {},
};

function laneFor(pipeline: Pipeline): HashLane {
  return pipeline.hashed ? pipeline.hash.lane() : UNHASHED;
}
