/**
 * Codecs: compression and authenticated encryption. Deterministic in what they give, but here because
 * their fast forms run on other threads and end in any order.
 */

import { type ErrorFacts, QuorusError } from "../base/errors.ts";

/** Formats of compressed bytes: gzip (RFC 1952) and zstd (RFC 8878). */
export type Compression = "gzip" | "zstd";

/** Authenticated encryption under one key: AES-256-GCM (NIST SP 800-38D). */
export interface Aead {
  /** The ciphertext with its 16-byte tag behind. A nonce of 12 bytes is used once under a key. */
  seal(nonce: Uint8Array, associated: Uint8Array, bytes: Uint8Array): Promise<Uint8Array>;
  /** The plaintext; `null` if anything differs from what was sealed. */
  open(
    nonce: Uint8Array,
    associated: Uint8Array,
    sealed: Uint8Array,
  ): Promise<Uint8Array | null>;
}

/** Plain bytes of a compressed stream, pulled by their reader. */
export interface Inflater {
  /** Fills `into` from its start with at least one byte; 0 means the end of the stream. */
  read(into: Uint8Array): Promise<number>;
  /** Idempotent; frees what it holds. */
  close(): Promise<void>;
}

/** What turns bytes into others and back. Failures are a `CodecError`. */
export interface Codecs {
  /** One whole gzip member or zstd frame. */
  compress(format: Compression, bytes: Uint8Array): Promise<Uint8Array>;
  /** Exactly one; `tooLarge` above `maxBytes`, `damaged` for anything else. */
  decompress(format: Compression, bytes: Uint8Array, maxBytes: number): Promise<Uint8Array>;
  /**
   * A whole stream of members or frames, whoever wrote it. `pull` fills a buffer with at least one byte,
   * 0 at the end; its errors come out of `read`. `truncated` where the stream ends early.
   */
  inflater(format: Compression, pull: (into: Uint8Array) => Promise<number>): Inflater;
  /** `key` has 32 bytes. */
  aead(key: Uint8Array): Aead;
}

/** Bytes that are not what a codec was told they are. */
export class CodecError extends QuorusError<"damaged" | "truncated" | "tooLarge"> {
  override readonly name = "CodecError";
  constructor(
    code: "damaged" | "truncated" | "tooLarge",
    message: string,
    facts: ErrorFacts = {},
  ) {
    super(code, message, { retryable: false, ...facts });
  }
}
