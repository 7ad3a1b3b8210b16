/** Looks at a place as a source: does it answer, what does it tell, can it be resumed. Reads only. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint, Source, SourceFacts, TransferProtocol } from "../../protocols/contract.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { bad, fact, type Finding, good } from "./finding.ts";

/** What was found, and what a transfer from there could count on; `null` where it does not answer. */
export interface ExaminedSource {
  readonly findings: readonly Finding[];
  readonly facts: SourceFacts | null;
}

/** All that can be told without reading the file: at most two of its bytes. */
export async function examineSource(
  protocol: TransferProtocol,
  endpoint: Endpoint,
  env: Env,
): Promise<ExaminedSource> {
  if (protocol.source === undefined) {
    const message = `cannot read from ${protocol.name}: it is a destination only`;
    return { findings: [bad("readable", new ProtocolError("unsupported", message))], facts: null };
  }
  let source: Source;
  try {
    source = protocol.source(endpoint, { env });
  } catch (thrown) {
    if (thrown instanceof ProtocolError && thrown.code === "forbidden") {
      return { findings: [bad("reach", thrown)], facts: null };
    }
    throw thrown;
  }
  try {
    return await examine(endpoint, source, env);
  } finally {
    await source.close();
  }
}

async function examine(endpoint: Endpoint, source: Source, env: Env): Promise<ExaminedSource> {
  const { signal } = new AbortController();
  const startedMs = env.clock.monotonic();
  let facts: SourceFacts;
  try {
    facts = await source.stat(signal);
  } catch (thrown) {
    return { findings: [bad("reachable", thrown)], facts: null };
  }
  const tookMs = env.clock.monotonic() - startedMs;
  const findings = [
    good("reachable", `answered in ${formatDuration(tookMs)}`),
    ...trustFindings(endpoint),
    sizeFinding(facts),
    await rangeFinding(source, facts, signal),
    validatorFinding(facts),
    facts.sha256 === null
      ? fact("source hash", "none offered: level `source` needs a declared checksum")
      : good("source hash", `sha256 ${facts.sha256}`),
  ];
  return { findings, facts };
}

/** Whom one speaks with, once it has answered: who is not trusted gives no answer. */
export function trustFindings({ uri, auth, options }: Endpoint): Finding[] {
  const scheme = /^[^:]*/.exec(uri)?.[0]?.toLowerCase() ?? "";
  const found: Finding[] = [];
  if (scheme === "https") found.push(good("TLS", "certificate and name accepted"));
  if (scheme === "http") found.push(fact("TLS", "none: bytes and headers travel readable"));
  if (scheme === "sftp") {
    const how = options["hostKey"] === undefined ? "known by known_hosts" : "pinned";
    found.push(good("host key", how));
  }
  return auth === null ? found : [...found, good("auth", `credentials of type ${auth.type} taken`)];
}

function sizeFinding({ fingerprint: { size } }: SourceFacts): Finding {
  if (size === null) return fact("size", "not announced: no progress in percent, no resume");
  return good("size", `${formatBytes(size)} (${size} bytes)`);
}

/** A promise of ranges is proved by asking for one. */
async function rangeFinding(
  source: Source,
  facts: SourceFacts,
  signal: AbortSignal,
): Promise<Finding> {
  const { size } = facts.fingerprint;
  if (!facts.ranges) return fact("ranges", "none: an interrupted transfer starts over");
  if (size === null || size < 2) return good("ranges", "announced");
  try {
    const reader = await source.open({ start: 1, end: 2 }, facts.fingerprint, signal);
    try {
      const count = await reader.read(new Uint8Array(1));
      if (count !== 1) return fact("ranges", `announced, but a range of 1 byte gave ${count}`);
    } finally {
      await reader.close();
    }
    return good("ranges", "yes: resumes, and can be read in parallel");
  } catch (thrown) {
    return bad("ranges", thrown);
  }
}

function validatorFinding({ fingerprint: { etag, mtimeMs, version } }: SourceFacts): Finding {
  if (etag !== null) return good("validator", `ETag ${etag}`);
  if (version !== null) {
    return good(
      "validator",
      version.includes(":") ? "device, inode, size and time" : "a version id",
    );
  }
  if (mtimeMs !== null) {
    return good("validator", `last modified ${new Date(mtimeMs).toISOString()}`);
  }
  return fact("validator", "none: a change in the middle is seen by size only, no resume");
}
