/** What an attempt asks its ledger: which versions of files were copied before. */

import type { Hashing } from "../../runtime/env/env.ts";
import type { Fingerprint } from "../../protocols/contract.ts";
import { identifiesVersion } from "../../protocols/fingerprint.ts";
import { JobError } from "../job/errors.ts";
import { Revoked } from "../job/tools.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { SET_LIMITS } from "./limits.ts";
import type { SetWork } from "./tools.ts";
import type { Wanted } from "./wanted.ts";

/** 128 bits in hexadecimal. */
const VERSION_DIGITS = 32;
/** How the answer to `recall` begins; places in its list follow. */
export const RECALLED = "recalled:";
/** How a grant is refused whose version the ledger has by now: another set was faster. */
export const KNOWN = "already copied:";
/** How a grant is refused whose version the ledger could not remember. */
export const FULL = "ledger full:";

/** What a ledger remembers a version of a file by: where it is, what it is, and where it goes. */
export function versionOfFile(
  hash: Hashing,
  { source, destination }: Pick<TransferSpec, "source" | "destination">,
  path: readonly string[],
  { size, mtimeMs, etag, version }: Fingerprint,
): string {
  const parts = [source.uri, path.join("/"), destination.uri, size, mtimeMs, etag, version];
  const hasher = hash.sha256();
  hasher.update(new TextEncoder().encode(JSON.stringify(parts)));
  return hasher.digestHex().slice(0, VERSION_DIGITS);
}

/** The files with their versions; those that the ledger has are known, and dropped if that is all. */
export async function recall(work: SetWork, wanted: readonly Wanted[]): Promise<readonly Wanted[]> {
  if (work.spec.onlyNew === null) return wanted;
  const versions = named(work, wanted);
  const found: Wanted[] = [];
  const most = SET_LIMITS.setRecallVersions.value;
  for (let at = 0; at < versions.length; at += most) {
    const some = versions.slice(at, at + most);
    const known = await ask(work, some.map(({ version }) => version));
    some.forEach((one, place) => {
      if (!known.has(place)) found.push(one);
      else if (work.spec.after !== null) found.push({ ...one, isKnown: true });
      else work.reports.count("unchanged");
    });
  }
  return found;
}

function named({ reports, tools, job }: SetWork, wanted: readonly Wanted[]) {
  const named: (Wanted & { readonly version: string })[] = [];
  for (const one of wanted) {
    const path = one.path.join("/");
    if (one.entry === null || !identifiesVersion(one.entry.fingerprint)) {
      const message = `cannot remember ${path}: its source does not tell one version from the next`;
      reports.failed(path, { code: "unsupported", message, retryable: false });
      continue;
    }
    const { fingerprint } = one.entry;
    named.push({ ...one, version: versionOfFile(tools.env.hash, job.spec, one.path, fingerprint) });
  }
  return named;
}

async function ask({ tools, job, lease }: SetWork, versions: string[]): Promise<Set<number>> {
  const event = { type: "recall", lease, versions } as const;
  const answer = await tools.propose({
    type: "jobEvent",
    jobId: job.id,
    event,
  });
  const [first] = answer;
  if (first === undefined) return new Set();
  if (!first.startsWith(RECALLED)) throw new Revoked(answer.join("; "));
  return new Set(first.slice(RECALLED.length).split(",").map(Number));
}

/** Throws what a refusal means that is about one file, and not about the lease. */
export function throwIfAboutFile(refused: readonly string[]): void {
  for (const why of refused) {
    if (why.startsWith(KNOWN)) throw new JobError("alreadyCopied", why);
    if (why.startsWith(FULL)) throw new JobError("ledgerFull", why);
  }
}
