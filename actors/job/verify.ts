/** Is it the right file? Pure comparisons, and the levels of verification (DESIGN section 7.5). */

import type { SourceFacts } from "../../protocols/contract.ts";
import type { ValidationSpec } from "../../workflows/spec.ts";
import { JobError } from "./errors.ts";
import type { ReachedLevel } from "./record.ts";

/** What was moved and verified, ready to be published. */
export interface Verified {
  readonly bytes: number;
  readonly sha256: string | null;
  readonly root: string | null;
  readonly level: ReachedLevel;
}

/** Throws `sizeRefused` for a size that the transfer does not allow. */
export function checkSize(validation: ValidationSpec, bytes: number, where: string): void {
  const { minBytes, maxBytes } = validation;
  const tooSmall = minBytes !== null && bytes < minBytes;
  const tooLarge = maxBytes !== null && bytes > maxBytes;
  if (!tooSmall && !tooLarge) return;
  const bound = tooSmall ? `at least ${minBytes}` : `at most ${maxBytes}`;
  throw new JobError(
    "sizeRefused",
    `${where} has ${bytes} bytes, but validation.expectedSize asks for ${bound}; nothing was published`,
    { details: { bytes, minBytes, maxBytes } },
  );
}

/**
 * The level that comparing what arrived with what the source and the declaration say has reached,
 * before any re-reading. Throws `checksumMismatch` if a hash differs, `verificationUnavailable` if
 * one is required and nobody knows it.
 */
export function compareHashes(
  validation: ValidationSpec,
  facts: SourceFacts,
  sha256: string | null,
): ReachedLevel {
  if (sha256 === null) return unhashedLevel(validation, facts);
  const declared = validation.checksum?.valueHex ?? null;
  for (
    const [expected, whose] of [
      [declared, "validation.checksum"],
      [facts.sha256, "the source"],
    ] as const
  ) {
    if (expected === null || expected === sha256) continue;
    throw new JobError(
      "checksumMismatch",
      `the file's SHA-256 is ${sha256}, but ${whose} says ${expected}; nothing was published`,
      { retryable: whose === "the source", details: { sha256, expected } },
    );
  }
  if (declared !== null || facts.sha256 !== null) return "source";
  if (validation.checksum?.required === true) {
    throw new JobError(
      "verificationUnavailable",
      "a checksum is required, but neither validation.checksum.value nor the source tells one: " +
        "declare the value, or set required: false",
    );
  }
  return facts.fingerprint.size === null ? "none" : "size";
}

/** What can be said of bytes that were only counted. */
function unhashedLevel(validation: ValidationSpec, facts: SourceFacts): ReachedLevel {
  if (validation.checksum !== null) {
    throw new JobError(
      "verificationUnavailable",
      "a checksum is declared, but options.hash is false: remove one of the two",
    );
  }
  return facts.fingerprint.size === null ? "none" : "size";
}

const RANK: Readonly<Record<ReachedLevel, number>> = { none: 0, size: 1, source: 2, reread: 3 };

/** Throws `verificationUnavailable` where less was reached than asked for: it is never lowered silently. */
export function checkLevel(asked: ReachedLevel, reached: ReachedLevel): void {
  if (RANK[reached] >= RANK[asked]) return;
  throw new JobError(
    "verificationUnavailable",
    `verification level "${asked}" was asked for, but this source only allows "${reached}": ` +
      `declare a checksum, or set validation.level to ${reached} or reread`,
  );
}
