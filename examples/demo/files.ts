/** The demo's files: made of their name and a size when they are asked for, stored nowhere. */

import { createHash } from "node:crypto";

/** What the demo's server offers: bytes by path. */
export const FILES: ReadonlyMap<string, number> = new Map([
  ["/index.bin", 64 * 2 ** 10],
  ["/photos.bin", 96 * 2 ** 20],
  ["/videos.bin", 192 * 2 ** 20],
  ["/changes.bin", 5_000_001],
  ["/everything.bin", 500 * 2 ** 20],
  ["/report.bin", 12_000],
]);

/** What has to be there in the end: names below the destination, and the paths they come from. */
export const MIRRORED: ReadonlyMap<string, string> = new Map([
  ["index.bin", "/index.bin"],
  ["media/photos.bin", "/photos.bin"],
  ["media/videos.bin", "/videos.bin"],
  ["orders.bin", "/changes.bin"],
  ["report.bin", "/report.bin"],
]);

const BLOCK_BYTES = 1_048_576;

/** The bytes of a file from `start` to `end`, at most 1 MiB at a time; no two blocks are equal. */
export function* bytesOf(path: string, start: number, end: number): Generator<Uint8Array> {
  const block = createHash("shake256", { outputLength: BLOCK_BYTES }).update(path).digest();
  for (let at = start; at < end;) {
    const within = at % BLOCK_BYTES;
    const part = new Uint8Array(block);
    new DataView(part.buffer).setUint32(0, (at - within) / BLOCK_BYTES);
    yield part.subarray(within, Math.min(BLOCK_BYTES, within + end - at));
    at += BLOCK_BYTES - within;
  }
}

/** The SHA-256 that a right copy has. */
export function sha256Of(path: string): string {
  const hash = createHash("sha256");
  for (const part of bytesOf(path, 0, FILES.get(path) ?? 0)) hash.update(part);
  return hash.digest("hex");
}
