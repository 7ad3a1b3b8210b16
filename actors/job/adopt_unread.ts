/**
 * Adopting a temporary file that nobody can read before it is published (an object store's upload): what
 * it holds is trusted to the sink, which verified each part, and the hash of the kept prefix is rebuilt
 * from the source, whose bytes must be those that the checkpoint speaks of.
 */

import type { HashLane } from "../../runtime/env/env.ts";
import type { Sink, Source, SourceReader } from "../../protocols/contract.ts";
import type { Adopted, AdoptOptions } from "./adopt.ts";
import type { Checkpoint } from "./checkpoint.ts";

/** What this way of adopting works with. */
export interface UnreadOptions extends AdoptOptions {
  readonly source: Source;
}

/** Cuts the file to what is kept, and reads that much of the source again; `null` if nothing is good. */
export async function adoptUnread(
  sink: Sink,
  checkpoint: Checkpoint,
  options: UnreadOptions,
): Promise<Adopted | null> {
  const file = await sink.reopen(checkpoint.temp, options.signal);
  if (file === null) return null;
  const { digests, chunkBytes, fingerprint } = checkpoint;
  const lane = options.hash.lane();
  try {
    options.meter.phase = "keeping";
    options.meter.keptBytes = 0;
    const most = Math.min(digests.contiguous() * chunkBytes, fingerprint.size ?? Infinity);
    await file.truncate(Math.min(await file.size(), most));
    // Cut where a part ends, which may be before: the file tells.
    const keptBytes = await file.size();
    if (keptBytes > 0 && await isAsBefore(checkpoint, keptBytes, lane, options)) {
      digests.cut(
        keptBytes === fingerprint.size ? digests.count : Math.floor(keptBytes / chunkBytes),
      );
      options.meter.keptBytes = keptBytes;
      return { file, keptBytes, digests, lane };
    }
  } catch (error) {
    lane.abort();
    await file.close();
    throw error;
  }
  lane.abort();
  await file.close();
  return null;
}

/** Feeds the lane with the first bytes of the source; whether every whole chunk is the same. */
async function isAsBefore(
  { digests, chunkBytes, fingerprint }: Checkpoint,
  keptBytes: number,
  lane: HashLane,
  options: UnreadOptions,
): Promise<boolean> {
  const range = { start: 0, end: keptBytes };
  const reader = await options.source.open(range, fingerprint, options.signal);
  const verdicts: Promise<boolean>[] = [];
  try {
    for (let at = 0; at < keptBytes;) {
      const end = Math.min(keptBytes, at - at % chunkBytes + chunkBytes);
      const length = await feedOn(reader, lane, end - at, options);
      if (length === 0) return false;
      at += length;
      const isChunk = at % chunkBytes === 0 || at === fingerprint.size;
      if (isChunk) verdicts.push(verdict(lane, digests.get(Math.ceil(at / chunkBytes) - 1)));
    }
  } finally {
    await reader.close();
  }
  return (await Promise.all(verdicts)).every((isSame) => isSame);
}

function verdict(lane: HashLane, digest: string): Promise<boolean> {
  const seen = lane.mark().then((marked) => marked === digest);
  seen.catch(() => {});
  return seen;
}

/** Feeds what one buffer takes; 0 at the end of the source. */
async function feedOn(
  reader: SourceReader,
  lane: HashLane,
  most: number,
  { window, slotBytes, signal }: UnreadOptions,
): Promise<number> {
  signal.throwIfAborted();
  const slot = await window.take();
  let length = 0;
  try {
    length = await reader.read(slot.bytes.subarray(0, Math.min(slotBytes, most)));
  } finally {
    if (length === 0) window.give(slot);
  }
  if (length === 0) return 0;
  const give = () => window.give(slot);
  lane.feed(slot, length).then(give, give);
  return length;
}
