/** What is sent along with a body, for the server to verify, and what is compared in its answer. */

import type { Block, Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { UNSIGNED } from "./client.ts";
import { sha256Hex } from "./signing.ts";

/** Which checksum; `none` leaves it to the signature and to TLS. */
export type ChecksumKind = "sha256" | "crc32" | "none";

/** A body as it is described in the header of its request. */
export interface Described {
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 in hexadecimal, or {@link UNSIGNED}. */
  readonly bodyHash: string;
  /** In base64, as S3 writes it; `null` without one. */
  readonly checksum: string | null;
}

/** The element of a part in the list that completes an upload. */
export const CHECKSUM_ELEMENT = { sha256: "ChecksumSHA256", crc32: "ChecksumCRC32", none: null };

/** Below it a thread of its own costs more than hashing at once. */
const INLINE_BYTES = 262_144;

/** Describes the first `length` bytes of a block, whose memory may be another one afterwards. */
export async function described(
  env: Env,
  block: Block,
  length: number,
  kind: ChecksumKind,
): Promise<Described> {
  if (kind === "none") return { headers: {}, bodyHash: UNSIGNED, checksum: null };
  if (kind === "crc32") {
    const crc = env.hash.crc32(block.bytes.subarray(0, length));
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, crc);
    const checksum = bytes.toBase64();
    return { headers: { "x-amz-checksum-crc32": checksum }, bodyHash: UNSIGNED, checksum };
  }
  const bodyHash = await sha256Of(env, block, length);
  const checksum = Uint8Array.fromHex(bodyHash).toBase64();
  return { headers: { "x-amz-checksum-sha256": checksum }, bodyHash, checksum };
}

async function sha256Of(env: Env, block: Block, length: number): Promise<string> {
  if (length <= INLINE_BYTES) return sha256Hex(env.hash, block.bytes.subarray(0, length));
  const lane = env.hash.lane();
  try {
    await lane.feed(block, length);
    return await lane.end();
  } catch (thrown) {
    lane.abort();
    throw thrown;
  }
}

/** `io` if the server has a checksum of its own and it is another one. */
export function assertSameChecksum(
  action: string,
  kind: ChecksumKind,
  sent: string | null,
  headers: ReadonlyMap<string, string>,
): void {
  const seen = kind === "none" ? undefined : headers.get(`x-amz-checksum-${kind}`);
  if (seen === undefined || sent === null || seen === sent) return;
  const message = `cannot ${action}: the server has the checksum ${seen.slice(0, 60)} for bytes ` +
    `with ${sent}`;
  throw new ProtocolError("io", message, { retryable: true, definite: false });
}
