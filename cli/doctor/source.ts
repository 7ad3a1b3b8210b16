/** Looks at a URI as a source: does it answer, what does it tell, can it be resumed. */

import { formatBytes, formatDuration } from "../../runtime/base/units.ts";
import type { Env } from "../../runtime/env/env.ts";
import type { Endpoint, Source, SourceFacts } from "../../protocols/contract.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import { cliLimits } from "../limits.ts";
import { installedProtocols } from "../protocols.ts";
import { bad, fact, type Finding, good } from "./finding.ts";

/** All that can be told without reading the file: at most two of its bytes. */
export async function examineSource(
  uri: string,
  headers: Readonly<Record<string, string>>,
  env: Env,
): Promise<Finding[]> {
  const endpoint: Endpoint = {
    ...plainEndpoint(uri),
    headers,
    responseTimeoutMs: cliLimits.doctorTimeoutMs,
    idleTimeoutMs: cliLimits.doctorTimeoutMs,
  };
  const protocol = installedProtocols().forUri(uri);
  if (protocol.source === undefined) {
    const message = `cannot read from ${protocol.name}: it is a destination only`;
    return [bad("readable", new ProtocolError("unsupported", message))];
  }
  const source = protocol.source(endpoint, { env });
  try {
    return await examine(uri, source, env);
  } finally {
    await source.close();
  }
}

async function examine(uri: string, source: Source, env: Env): Promise<Finding[]> {
  const { signal } = new AbortController();
  const startedMs = env.clock.monotonic();
  let facts: SourceFacts;
  try {
    facts = await source.stat(signal);
  } catch (thrown) {
    return [bad("reachable", thrown)];
  }
  const tookMs = env.clock.monotonic() - startedMs;
  return [
    good("reachable", `answered in ${formatDuration(tookMs)}`),
    ...transportFindings(uri),
    sizeFinding(facts),
    await rangeFinding(source, facts, signal),
    validatorFinding(facts),
    facts.sha256 === null
      ? fact("source hash", "none offered: level `source` needs a declared checksum")
      : good("source hash", `sha256 ${facts.sha256}`),
  ];
}

function transportFindings(uri: string): Finding[] {
  if (/^https:/i.test(uri)) return [good("TLS", "certificate and name accepted")];
  return /^http:/i.test(uri) ? [fact("TLS", "none: bytes and headers travel readable")] : [];
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
  if (version !== null) return good("validator", "device, inode, size and time");
  if (mtimeMs !== null) {
    return good("validator", `last modified ${new Date(mtimeMs).toISOString()}`);
  }
  return fact("validator", "none: a change in the middle is seen by size only, no resume");
}
