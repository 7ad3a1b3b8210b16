/** Comparing two observations of one source. */

import type { Fingerprint } from "./contract.ts";
import { ProtocolError } from "./errors.ts";

/** Nothing is known. */
export const UNKNOWN_FINGERPRINT: Fingerprint = {
  size: null,
  mtimeMs: null,
  etag: null,
  version: null,
};

/**
 * Why `seen` cannot be the version that `expected` describes, as words for a message; `null` if
 * nothing contradicts it. Only what both sides know is compared.
 */
export function fingerprintChange(expected: Fingerprint, seen: Fingerprint): string | null {
  for (const part of ["etag", "version", "size", "mtimeMs"] as const) {
    const [before, after] = [expected[part], seen[part]];
    if (before !== null && after !== null && before !== after) {
      return `${part} was ${before}, is now ${after}`;
    }
  }
  return null;
}

/** `changed` if `seen` cannot be the version that `expected` describes; `action` is verb and object. */
export function assertSameVersion(action: string, expected: Fingerprint, seen: Fingerprint): void {
  const change = fingerprintChange(expected, seen);
  if (change === null) return;
  const message = `cannot ${action}: it was changed (${change}); start over`;
  throw new ProtocolError("changed", message, { definite: true });
}

/** A version that can be told from the next one: without it bytes kept earlier cannot be trusted. */
export function identifiesVersion(fingerprint: Fingerprint): boolean {
  return fingerprint.etag !== null || fingerprint.version !== null ||
    (fingerprint.size !== null && fingerprint.mtimeMs !== null);
}
