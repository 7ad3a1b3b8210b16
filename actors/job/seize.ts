/**
 * Taking temporary files away from writers who may still be at work (DESIGN section 7.5): what a lost
 * lease has left is seized before anything else, so that its holder finds nothing to publish.
 */

import type { DestinationFacts } from "../../protocols/contract.ts";
import type { Grant } from "./record.ts";
import { sourceHash } from "./source_hash.ts";
import type { Attempt } from "./tools.ts";

/** What a probe finds. */
export type Probed = "unpublished" | "published" | "unknown";

/** Where the temporary file `temp` of a lost lease is put: the same name for every later attempt. */
export function seizedName(temp: string): string {
  return `${temp}.seized`;
}

/**
 * Seizes what every lost lease has left. Where the fence is another one, the upload is aborted instead,
 * except that of a grant: `probeTaken` has to look at it first.
 */
export async function seizeStale({ job, ends }: Attempt): Promise<void> {
  const { sink } = ends;
  for (const { temp } of job.stale) {
    if (sink.capabilities.fence === "seize") await sink.seize(temp, seizedName(temp));
    else if (temp !== job.grant?.temp) await sink.abort(temp);
  }
}

/** Probes an earlier grant once its temporary file was seized; takes an upload away while looking. */
export async function probeTaken(attempt: Attempt, grant: Grant): Promise<Probed> {
  const isStale = attempt.job.stale.some(({ temp }) => temp === grant.temp);
  if (attempt.ends.sink.capabilities.fence !== "seize") {
    return isStale ? await probeAborting(attempt, grant) : await probe(attempt, grant, grant.temp);
  }
  // An attempt that is over too may have seized it, before its holder handed the lease back.
  const seen = isStale ? "unknown" : await probe(attempt, grant, grant.temp);
  return seen === "unknown" ? await probe(attempt, grant, seizedName(grant.temp)) : seen;
}

/** Looks whether `temp`, the grant's file by its present name, became the final one. */
export async function probe(attempt: Attempt, grant: Grant, temp: string): Promise<Probed> {
  const { sink } = attempt.ends;
  const { finalName: name, size, sha256, fileId } = grant;
  const seen = await sink.probe(temp, { name, size, sha256, fileId });
  if (!isHashMissing(attempt, grant) || !await mayHashTell(attempt, grant, seen)) return seen;
  const known = await sourceHash(attempt, size);
  return known === null ? seen : await sink.probe(temp, { name, size, sha256: known, fileId });
}

/** The service copied the file: nobody has hashed its bytes yet. */
function isHashMissing({ job }: Attempt, grant: Grant): boolean {
  return grant.sha256 === null && job.spec.pipeline.hash;
}

/** Where a sink goes by the bytes alone, and what stands at the final name may be them. */
async function mayHashTell(attempt: Attempt, grant: Grant, seen: Probed): Promise<boolean> {
  if (seen === "published" || !attempt.ends.sink.capabilities.readBack) return false;
  if (seen === "unknown") return true;
  // A publish without replacing that was cut in its middle has left both names.
  if (grant.replace) return false;
  const standing = await attempt.ends.sink.stat(grant.finalName, attempt.signal);
  return standing?.size === grant.size;
}

/**
 * Without seizing, only aborting takes an upload away, and with it what tells that it was not published:
 * so that is looked at before, and whether the final name has changed since.
 */
async function probeAborting(attempt: Attempt, grant: Grant): Promise<Probed> {
  const { sink } = attempt.ends;
  const before = await sink.stat(grant.finalName, attempt.signal);
  const seen = await probe(attempt, grant, grant.temp);
  await sink.abort(grant.temp);
  if (seen === "published") return seen;
  if (seen === "unpublished") {
    const after = await sink.stat(grant.finalName, attempt.signal);
    if (isSame(before, after)) return seen;
  }
  return await probe(attempt, grant, grant.temp);
}

function isSame(before: DestinationFacts | null, after: DestinationFacts | null): boolean {
  if (before === null || after === null) return before === after;
  return before.fileId === after.fileId && before.size === after.size &&
    before.mtimeMs === after.mtimeMs;
}
