/**
 * Adopting the temporary file of an earlier attempt (DESIGN section 7.3 and 7.4): the kept prefix is
 * read again locally, compared at every chunk's end with the checkpoint, and rebuilds the file's hash.
 */

import { QuorusError } from "../../runtime/base/errors.ts";
import type { Hashing, HashLane } from "../../runtime/env/env.ts";
import type { Fingerprint, Sink, SinkFile, SourceFacts } from "../../protocols/contract.ts";
import { fingerprintChange, identifiesVersion } from "../../protocols/fingerprint.ts";
import type { Window } from "./buffers.ts";
import type { Checkpoint } from "./checkpoint.ts";
import type { ChunkDigests } from "./digests.ts";
import type { Meter } from "./meter.ts";

/** A temporary file that goes on where an earlier attempt ended. */
export interface Adopted {
  readonly file: SinkFile;
  /** Verified bytes; the file ends there. */
  readonly keptBytes: number;
  /** Digests of the verified chunks. */
  readonly digests: ChunkDigests;
  /** Has been fed the kept bytes. */
  readonly lane: HashLane;
}

/** Why a checkpoint is of no use for a source as it is now; `null` if it is. */
export function whyUseless(
  checkpoint: Pick<Checkpoint, "fingerprint">,
  facts: SourceFacts,
): string | null {
  if (!facts.ranges) return "the source cannot be read from the middle";
  if (!identifiesVersion(facts.fingerprint) || !identifiesVersion(checkpoint.fingerprint)) {
    return "the source does not tell one version from the next";
  }
  const change = fingerprintChange(checkpoint.fingerprint, facts.fingerprint);
  return change === null ? null : `the source has changed: ${change}`;
}

/** A source whose bytes can be kept over attempts. */
export function isResumable(facts: SourceFacts): boolean {
  return facts.ranges && identifiesVersion(facts.fingerprint);
}

/** What adopting works with. */
export interface AdoptOptions {
  readonly hash: Hashing;
  readonly window: Window;
  readonly slotBytes: number;
  readonly meter: Meter;
  readonly signal: AbortSignal;
}

/**
 * Reopens the checkpoint's temporary file, verifies its chunks, and cuts it after the last good one.
 * `null` if the file is gone or nothing of it is good.
 */
export async function adopt(
  sink: Sink,
  checkpoint: Checkpoint,
  options: AdoptOptions,
): Promise<Adopted | null> {
  const file = await sink.reopen(checkpoint.temp, options.signal);
  if (file === null) return null;
  const lane = options.hash.lane();
  try {
    options.meter.phase = "keeping";
    options.meter.keptBytes = 0;
    const chunks = await verifyPrefix(file, checkpoint, lane, options);
    if (chunks === checkpoint.digests.contiguous() && chunks > 0) {
      const keptBytes = keptSize(chunks, checkpoint.chunkBytes, checkpoint.fingerprint);
      await file.truncate(keptBytes);
      options.meter.keptBytes = keptBytes;
      return { file, keptBytes, digests: checkpoint.digests, lane };
    }
    // A damaged prefix: the hash lane has seen bad bytes, so verify the shorter prefix anew.
    lane.abort();
    if (chunks === 0) {
      await file.close();
      return null;
    }
    checkpoint.digests.cut(chunks);
    await file.close();
    return await adopt(sink, checkpoint, options);
  } catch (error) {
    lane.abort();
    await file.close();
    throw error;
  }
}

function keptSize(chunks: number, chunkBytes: number, fingerprint: Fingerprint): number {
  return Math.min(chunks * chunkBytes, fingerprint.size ?? Number.MAX_SAFE_INTEGER);
}

/** How many chunks from the start are as the checkpoint says; all read ones are fed to the lane. */
async function verifyPrefix(
  file: SinkFile,
  checkpoint: Checkpoint,
  lane: HashLane,
  options: AdoptOptions,
): Promise<number> {
  const { digests, chunkBytes, fingerprint } = checkpoint;
  const chunks = digests.contiguous();
  const verdicts: Promise<boolean>[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    const start = chunk * chunkBytes;
    const end = keptSize(chunk + 1, chunkBytes, fingerprint);
    if (!await feedBack(file, lane, start, end, options)) break;
    const verdict = lane.mark().then((digest) => digest === digests.get(chunk));
    verdict.catch(() => {});
    verdicts.push(verdict);
  }
  const good = await Promise.all(verdicts);
  const firstBad = good.indexOf(false);
  return firstBad < 0 ? good.length : firstBad;
}

/** Feeds one chunk from the file; `false` if the file ends before it or cannot be read. */
async function feedBack(
  file: SinkFile,
  lane: HashLane,
  start: number,
  end: number,
  options: AdoptOptions,
): Promise<boolean> {
  for (let at = start; at < end;) {
    options.signal.throwIfAborted();
    const slot = await options.window.take();
    let length = 0;
    try {
      length = await file.read(slot.bytes.subarray(0, Math.min(options.slotBytes, end - at)), at);
    } catch (error) {
      options.window.give(slot);
      // What cannot be read back is not kept; it is fetched again.
      if (error instanceof QuorusError && error.code === "io") return false;
      throw error;
    }
    if (length === 0) {
      options.window.give(slot);
      return false;
    }
    const give = () => options.window.give(slot);
    lane.feed(slot, length).then(give, give);
    at += length;
    options.meter.keptBytes += length;
  }
  return true;
}
