/**
 * A digest of many receipts in any order: the sum of their SHA-256 modulo 2^256. Equal sets of receipts
 * give equal digests, whoever copied which file when. It is a check, not a proof against an adversary
 * who chooses receipts.
 */

import type { Hashing } from "../../runtime/env/env.ts";

const MODULUS = 1n << 256n;
const HEX_DIGITS = 64;

/** Of no receipts. */
export const EMPTY_DIGEST = "0".repeat(HEX_DIGITS);

/** The digest of two disjoint parts together. */
export function sumOfDigests(one: string, other: string): string {
  if (one === EMPTY_DIGEST) return other;
  const sum = (BigInt(`0x${one}`) + BigInt(`0x${other}`)) % MODULUS;
  return sum.toString(16).padStart(HEX_DIGITS, "0");
}

/** What one published file adds: its path, size and hash. */
export function receiptDigest(
  hash: Hashing,
  file: { readonly path: string; readonly size: number; readonly sha256: string | null },
): string {
  const hasher = hash.sha256();
  hasher.update(new TextEncoder().encode(JSON.stringify([file.path, file.size, file.sha256])));
  return hasher.digestHex();
}
