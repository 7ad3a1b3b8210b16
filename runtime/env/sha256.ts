/**
 * Hash functions that need no thread: synchronous and deterministic, so that the real and the
 * simulated side share them. `node:crypto` runs SHA-256 at the speed of OpenSSL (1.4-1.55 GB/s
 * measured; WASM 0.22 GB/s), `node:zlib` CRC-32 at 9.3 GB/s.
 */

import { createHash, createHmac, type Hash } from "node:crypto";
import { crc32 as zlibCrc32 } from "node:zlib";
import { assert } from "../base/assert.ts";
import type { Hasher } from "./env.ts";

class Sha256 implements Hasher {
  readonly #hash: Hash;
  #ended = false;

  constructor(hash: Hash) {
    this.#hash = hash;
  }

  update(bytes: Uint8Array): void {
    assert(!this.#ended, "a hasher takes no bytes after its digest");
    this.#hash.update(bytes);
  }

  copy(): Hasher {
    assert(!this.#ended, "a hasher is not copied after its digest");
    return new Sha256(this.#hash.copy());
  }

  digestHex(): string {
    assert(!this.#ended, "a hasher gives its digest once");
    this.#ended = true;
    return this.#hash.digest("hex");
  }
}

/** A new running SHA-256 (FIPS 180-4) on the calling thread. */
export function sha256(): Hasher {
  return new Sha256(createHash("sha256"));
}

/** CRC-32 (IEEE 802.3) of `bytes`, continued from `seed`. */
export function crc32(bytes: Uint8Array, seed = 0): number {
  return zlibCrc32(bytes, seed);
}

/** HMAC-SHA256 (RFC 2104) of `bytes` under `key`: 32 bytes. */
export function hmacSha256(key: Uint8Array, bytes: Uint8Array): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(bytes).digest());
}
