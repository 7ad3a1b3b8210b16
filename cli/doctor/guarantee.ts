/** What a transfer between two ends can promise; DESIGN section 7, points 3, 5 and 6. */

import type { Fence, SinkCapabilities, SourceFacts } from "../../protocols/contract.ts";
import { fact, type Finding, good } from "./finding.ts";

const FENCES: Readonly<Record<Fence, readonly [isExact: boolean, text: string]>> = {
  token: [true, "exactly once: the destination knows whose turn it is, and takes no other's file"],
  conditional: [true, "exactly once: the destination takes the file only if nobody was faster"],
  seize: [true, "exactly once: a stale writer's file is taken away before the next one publishes"],
  none: [false, "at least once, with equal bytes: a stale writer can publish after a newer one"],
};

/** One finding for each promise; those that are weaker than they could be are facts. */
export function guaranteeOf(facts: SourceFacts, sink: SinkCapabilities): Finding[] {
  const [isExact, published] = FENCES[sink.fence];
  return [
    isExact ? good("publish", published) : fact("publish", published),
    resume(facts, sink),
    verification(facts, sink),
    sink.durableSync
      ? good("durable", "bytes are synced before the receipt says so")
      : fact("durable", "as far as the destination sees to it: nothing can be synced from here"),
    changes(facts),
    metadata(facts, sink),
  ];
}

function resume({ ranges, fingerprint }: SourceFacts, sink: SinkCapabilities): Finding {
  const lacks = [
    ...(ranges && fingerprint.size !== null ? [] : ["the source serves no ranges"]),
    ...(sink.resume ? [] : ["the destination keeps no part"]),
  ];
  if (lacks.length === 0) {
    return good("resume", "from the last checkpoint, on any agent that sees both");
  }
  return fact("resume", `from the start: ${lacks.join(", and ")}`);
}

function verification({ sha256, fingerprint }: SourceFacts, sink: SinkCapabilities): Finding {
  const levels = [
    ...(sha256 === null ? [] : ["source hash"]),
    ...(sink.readBack ? ["re-read"] : []),
    ...(fingerprint.size === null ? [] : ["size"]),
  ];
  if (levels.length === 0) {
    return fact("verification", "none but what the connection itself checks");
  }
  const offered = `up to ${levels[0]}; levels offered: ${levels.join(", ")}`;
  return levels[0] === "size" ? fact("verification", offered) : good("verification", offered);
}

function changes({ fingerprint: { etag, version, mtimeMs, size } }: SourceFacts): Finding {
  if (etag !== null) return good("changes", "a source that changes meanwhile is found by its ETag");
  if (version !== null) {
    return good("changes", "a source that changes meanwhile is found by its version");
  }
  if (mtimeMs !== null) {
    return fact("changes", "found by time and size: not within one tick of the source's clock");
  }
  return fact("changes", size === null ? "not found at all" : "found by size only");
}

function metadata(facts: SourceFacts, sink: SinkCapabilities): Finding {
  const kept = [
    ...(facts.fingerprint.mtimeMs !== null && sink.mtime ? ["time"] : []),
    ...(facts.mode !== null && sink.permissions ? ["permissions"] : []),
  ];
  return fact(
    "metadata",
    kept.length === 0 ? "none can be kept" : `can be kept: ${kept.join(", ")}`,
  );
}
