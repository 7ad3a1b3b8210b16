/** Files of any size that exist nowhere: every byte follows from a seed and a position. */

import { createHash } from "node:crypto";

/** A file as a test server sees it: its bytes are made when they are asked for. */
export interface ServedFile {
  readonly size: number;
  /** Fills all of `into` with the bytes from `offset` on. */
  readonly fill: (into: Uint8Array, offset: number) => void;
  /** Sent as `ETag`, quotes included; `null`: not sent. */
  readonly etag: string | null;
  /** Sent as `Last-Modified`; `null`: not sent. */
  readonly mtimeMs: number | null;
}

const BLOCK_BYTES = 65_536;
const STAMP_BYTES = 8;
const DEFAULT_MTIME_MS = Date.UTC(2024, 1, 29, 12, 30, 15);

/** `size` bytes that differ by `seed`; no two blocks are equal, so that misplaced bytes are seen. */
export function generatedFile(
  size: number,
  seed: number,
  facts: Partial<Pick<ServedFile, "etag" | "mtimeMs">> = {},
): ServedFile {
  const base = randomBlock(seed);
  return {
    size,
    fill: (into, offset) => fillFrom(base, into, offset),
    etag: `"${size.toString(16)}-${seed.toString(16)}"`,
    mtimeMs: DEFAULT_MTIME_MS,
    ...facts,
  };
}

/** A file with these bytes. */
export function bytesFile(
  bytes: Uint8Array,
  facts: Partial<Pick<ServedFile, "etag" | "mtimeMs">> = {},
): ServedFile {
  return {
    size: bytes.length,
    fill: (into, offset) => into.set(bytes.subarray(offset, offset + into.length)),
    etag: `"${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}"`,
    mtimeMs: DEFAULT_MTIME_MS,
    ...facts,
  };
}

/** Lower-case hexadecimal SHA-256 of a file, at about 1 GB/s and with 1 MiB of memory. */
export function sha256Of(file: ServedFile): string {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(2 ** 20);
  for (let at = 0; at < file.size; at += buffer.length) {
    const part = buffer.subarray(0, Math.min(buffer.length, file.size - at));
    file.fill(part, at);
    hash.update(part);
  }
  return hash.digest("hex");
}

/** Bytes `start` to `end` of a file, in memory. */
export function bytesOf(file: ServedFile, start = 0, end = file.size): Uint8Array {
  const bytes = new Uint8Array(end - start);
  file.fill(bytes, start);
  return bytes;
}

function randomBlock(seed: number): Uint8Array {
  const words = new Uint32Array(BLOCK_BYTES / 4);
  let state = (seed ^ 0x9e3779b9) >>> 0 || 1;
  for (let i = 0; i < words.length; i++) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    words[i] = state >>> 0;
  }
  return new Uint8Array(words.buffer);
}

/** Block k is the base block with k written over its first eight bytes. */
function fillFrom(base: Uint8Array, into: Uint8Array, offset: number): void {
  const stamp = new Uint8Array(STAMP_BYTES);
  const stampView = new DataView(stamp.buffer);
  let at = 0;
  while (at < into.length) {
    const position = offset + at;
    const within = position % BLOCK_BYTES;
    const count = Math.min(BLOCK_BYTES - within, into.length - at);
    into.set(base.subarray(within, within + count), at);
    if (within < STAMP_BYTES) {
      stampView.setBigUint64(0, BigInt((position - within) / BLOCK_BYTES));
      into.set(stamp.subarray(within, Math.min(STAMP_BYTES, within + count)), at);
    }
    at += count;
  }
}
