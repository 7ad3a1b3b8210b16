/** Comparing two observations of one source. */

import type { Fingerprint } from "./contract.ts";

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

/** A version that can be told from the next one: without it bytes kept earlier cannot be trusted. */
export function identifiesVersion(fingerprint: Fingerprint): boolean {
  return fingerprint.etag !== null || fingerprint.version !== null ||
    (fingerprint.size !== null && fingerprint.mtimeMs !== null);
}
