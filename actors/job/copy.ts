/**
 * Copying what a lost attempt had verified (DESIGN section 7.4): its file is never adopted, as its writer
 * may still be at work. The proved prefix goes into a new file, hashed on the way; the replicated root
 * says whether it is what was verified.
 */

import { QuorusError } from "../../runtime/base/errors.ts";
import type { HashLane } from "../../runtime/env/env.ts";
import type { SinkFile } from "../../protocols/contract.ts";
import type { Adopted } from "./adopt.ts";
import { ChunkDigests } from "./digests.ts";
import { type Progressed, temporaryName } from "./record.ts";
import { seizedName } from "./seize.ts";
import type { Attempt } from "./tools.ts";

/** Where the file is that a checkpoint speaks of; `null` if it is of no use here. */
export function provedAt(
  { job, ends }: Attempt,
  progressed: Progressed | null = job.progressed,
): string | null {
  const { spec } = job;
  const { fence, resume, readBack } = ends.sink.capabilities;
  if (progressed === null || progressed.chunks === 0 || !resume || !readBack) return null;
  if (!spec.pipeline.hash || progressed.chunkBytes !== spec.pipeline.chunkBytes) return null;
  const isIt = ({ temp }: { temp: string }) => temp === progressed.temp;
  if (job.adoptable.some(isIt)) return progressed.temp;
  return fence === "seize" && job.stale.some(isIt) ? seizedName(progressed.temp) : null;
}

/** A new temporary file with the proved prefix of the one at `name`; `null` if that is not there. */
export async function copyProved(
  attempt: Attempt,
  name: string,
  progressed: Progressed,
): Promise<Adopted | null> {
  const { ends, job, lease, tools, signal, meter } = attempt;
  const from = await ends.sink.reopen(name, signal);
  if (from === null) return null;
  const temp = temporaryName(job.id, lease);
  const lane = tools.env.hash.lane();
  let file: SinkFile | null = null;
  try {
    file = await ends.sink.create(temp, signal, progressed.fingerprint.size);
    meter.phase = "keeping";
    meter.keptBytes = 0;
    const digests = await copyChunks(attempt, { from, file, lane, progressed });
    if (digests?.root(tools.env.hash) === progressed.root) {
      return { file, keptBytes: meter.keptBytes, digests, lane };
    }
  } catch (error) {
    await letGo(attempt, lane, file);
    throw error;
  } finally {
    await from.close();
  }
  await letGo(attempt, lane, file);
  return null;
}

async function letGo({ ends, meter }: Attempt, lane: HashLane, file: SinkFile | null) {
  lane.abort();
  meter.keptBytes = 0;
  if (file === null) return;
  await file.close();
  await ends.sink.abort(file.temp);
}

interface Copy {
  readonly from: SinkFile;
  readonly file: SinkFile;
  readonly lane: HashLane;
  readonly progressed: Progressed;
}

/** The digests of the chunks as they were copied; `null` if the file ends before, or is not readable. */
async function copyChunks(attempt: Attempt, copy: Copy): Promise<ChunkDigests | null> {
  const { chunks, chunkBytes, fingerprint } = copy.progressed;
  const size = fingerprint.size ?? Number.MAX_SAFE_INTEGER;
  const marks: Promise<string>[] = [];
  for (let chunk = 0; chunk < chunks; chunk++) {
    const end = Math.min((chunk + 1) * chunkBytes, size);
    for (let at = chunk * chunkBytes; at < end;) {
      attempt.signal.throwIfAborted();
      const length = await copyPiece(attempt, copy, at, end);
      if (length === 0) return null;
      at += length;
      attempt.meter.keptBytes += length;
    }
    const mark = copy.lane.mark();
    mark.catch(() => {});
    marks.push(mark);
  }
  const digests = new ChunkDigests();
  for (const [chunk, digest] of (await Promise.all(marks)).entries()) digests.set(chunk, digest);
  return digests;
}

/** Copies what one buffer takes; the same bytes are written and hashed. 0 at the end of the file. */
async function copyPiece(
  { window, tools }: Attempt,
  { from, file, lane }: Copy,
  at: number,
  end: number,
): Promise<number> {
  const slot = await window.take();
  let length = 0;
  try {
    const most = Math.min(tools.buffers.slotBytes, end - at);
    length = await from.read(slot.bytes.subarray(0, most), at).catch(unreadable);
    if (length > 0) await file.write(slot.bytes.subarray(0, length), at);
  } catch (error) {
    window.give(slot);
    throw error;
  }
  const give = () => window.give(slot);
  if (length === 0) give();
  else lane.feed(slot, length).then(give, give);
  return length;
}

/** What cannot be read back is not kept; it is fetched again. */
function unreadable(error: unknown): number {
  if (error instanceof QuorusError && error.code === "io") return 0;
  throw error;
}
