/** One file of a set: a transfer of its own, carried out by the attempt that all transfers have. */

import type { DestinationFacts, Fingerprint, Sink, Source } from "../../protocols/contract.ts";
import type { CompareBy, TransferSpec } from "../../workflows/spec.ts";
import { JobError } from "../job/errors.ts";
import { openEnds } from "../job/ends.ts";
import type { Grant, Job, Lease, Temporary } from "../job/record.ts";
import type { AttemptTools } from "../job/tools.ts";
import { fileJobId } from "./record.ts";
import { temporaryOfFile } from "./names.ts";

/** File systems and HTTP keep times to the second. */
const MTIME_TOLERANCE_MS = 1_000;
/** Hexadecimal digits of the hash of a path: 96 bits, enough to tell the files of one set apart. */
const KEY_DIGITS = 24;

/** Names as a URI below a directory's. */
export function uriBelow(directory: string, path: readonly string[]): string {
  return directory + path.map(encodeURIComponent).join("/");
}

/** The job that a file is: under the set's lease, with the temporary names of that lease and file. */
export function fileJob(
  tools: Pick<AttemptTools, "env">,
  job: Job,
  lease: Lease,
  path: readonly string[],
  grant: Grant | null,
): Job {
  const hasher = tools.env.hash.sha256();
  hasher.update(new TextEncoder().encode(path.join("/")));
  const key = hasher.digestHex().slice(0, KEY_DIGITS);
  const id = fileJobId(job.id, key);
  const ofFile = (kept: Temporary): Temporary => ({
    ...kept,
    temp: temporaryOfFile(kept.temp, key),
  });
  const { set: _, ...plain } = job;
  return {
    ...plain,
    id,
    spec: fileSpec(job.spec, path),
    lease,
    grant,
    adoptable: job.adoptable.map(ofFile),
    stale: job.stale.map(ofFile),
    progressed: null,
    receipt: null,
  };
}

/** What a file of a set is to be, declared for it alone. */
export function fileSpec({ set: _, ...spec }: TransferSpec, path: readonly string[]): TransferSpec {
  const { source, destination } = spec;
  return {
    ...spec,
    source: { ...source, uri: uriBelow(source.uri, path) },
    destination: {
      ...destination,
      uri: uriBelow(destination.uri, path),
      root: destination.root ?? destination.uri,
    },
    // The set's attempt is bounded as a whole.
    timeoutMs: null,
  };
}

/** How a file is looked for at its destination. */
export interface Look {
  /** The source, as its listing tells it. */
  readonly seen: Fingerprint;
  readonly compare: CompareBy;
  readonly signal: AbortSignal;
  /** Told what kind of sink it is. */
  readonly fence: (fence: string) => void;
}

/** Whether what stands at the destination is what the source has, as far as `compare` looks. */
export async function standsThere(
  tools: AttemptTools,
  spec: TransferSpec,
  { seen, compare, signal, fence }: Look,
): Promise<boolean> {
  if (compare === "none") return false;
  const { source, sink, close } = await openEnds(spec, tools);
  try {
    fence(sink.capabilities.fence);
    if (compare === "mtime" && !sink.capabilities.mtime) throw noTimes(spec.destination.uri);
    const standing = await sink.stat(sink.name, signal);
    if (standing === null) return false;
    if (standing.size === null && compare !== "hash") throw noSizes(spec.destination.uri);
    const facts = seen.size === null || (compare === "mtime" && seen.mtimeMs === null)
      ? (await source.stat(signal)).fingerprint
      : seen;
    if (!looksEqual(facts, standing, compare)) return false;
    return compare !== "hash" || await sameHash(tools, source, sink, signal);
  } finally {
    await close();
  }
}

/** Pure: by size, and by time where that is asked for; what is not known is not equal. */
export function looksEqual(
  source: Pick<Fingerprint, "size" | "mtimeMs">,
  standing: Pick<DestinationFacts, "size" | "mtimeMs">,
  compare: Exclude<CompareBy, "none">,
): boolean {
  // What lies compressed or sealed may not tell its size; then its hash alone says what it is.
  if (compare === "hash" && standing.size === null) return true;
  if (source.size === null || source.size !== standing.size) return false;
  if (compare !== "mtime") return true;
  if (source.mtimeMs === null || standing.mtimeMs === null) return false;
  return Math.abs(source.mtimeMs - standing.mtimeMs) <= MTIME_TOLERANCE_MS;
}

function noTimes(uri: string): JobError {
  return new JobError(
    "verificationUnavailable",
    `cannot compare by mtime: the destination ${uri} keeps no times; set ` +
      "destination.compare to size, hash or none, and preserveMtime to false",
  );
}

function noSizes(uri: string): JobError {
  return new JobError(
    "verificationUnavailable",
    `cannot compare by size: ${uri} does not tell how long the file is that lies there, compressed ` +
      "or sealed; set destination.compare to hash or none",
  );
}

async function sameHash(
  tools: AttemptTools,
  source: Source,
  sink: Sink,
  signal: AbortSignal,
): Promise<boolean> {
  const { sha256 } = await source.stat(signal);
  const expected = sha256 ?? await hashOf(tools, source, signal);
  return await sink.hash(sink.name, signal) === expected;
}

/** Reads the whole source. */
async function hashOf(tools: AttemptTools, source: Source, signal: AbortSignal): Promise<string> {
  const hasher = tools.env.hash.sha256();
  const reader = await source.open({ start: 0, end: null }, null, signal);
  const slot = await tools.buffers.take();
  try {
    for (;;) {
      const length = await reader.read(slot.bytes);
      if (length === 0) return hasher.digestHex();
      hasher.update(slot.bytes.subarray(0, length));
    }
  } finally {
    tools.buffers.give(slot);
    await reader.close();
  }
}
