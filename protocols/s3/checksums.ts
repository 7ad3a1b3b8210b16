/** What is sent along with a body, for the server to verify, and what is compared in its answer. */

import { Buffer } from "node:buffer";
import type { Block, Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { combinedCrc, CRC_POLYNOMIAL } from "../objects/crc_combine.ts";
import { crc32c } from "../objects/crc32c.ts";
import { otherBytes } from "../objects/publishing.ts";
import type { ContentCheck } from "../objects/reader.ts";
import { sha256Hex, UNSIGNED } from "./signing.ts";

/** Which checksum; `none` leaves it to the signature and to TLS. */
export type ChecksumKind = "sha256" | "crc32c" | "crc32" | "none";

/** All of them. */
export const CHECKSUM_KINDS: readonly ChecksumKind[] = ["sha256", "crc32c", "crc32", "none"];

/** A body as it is described in the header of its request. */
export interface Described {
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 in hexadecimal, or {@link UNSIGNED}. */
  readonly bodyHash: string;
  /** In base64, as S3 writes it; `null` without one. */
  readonly checksum: string | null;
}

/** The element of a part in the list that completes an upload. */
export const CHECKSUM_ELEMENT = {
  sha256: "ChecksumSHA256",
  crc32c: "ChecksumCRC32C",
  crc32: "ChecksumCRC32",
  none: null,
};

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
  if (kind !== "sha256") {
    const checksum = base64Of(crcOf(env, kind)(block.bytes.subarray(0, length)));
    return { headers: { [`x-amz-checksum-${kind}`]: checksum }, bodyHash: UNSIGNED, checksum };
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

/** `io` if the server has a checksum of its own and it is another one; `isFinal`: it stands there now. */
export function assertSameChecksum(
  action: string,
  kind: ChecksumKind,
  sent: string | null,
  headers: ReadonlyMap<string, string>,
  isFinal = false,
): void {
  const seen = kind === "none" ? undefined : headers.get(`x-amz-checksum-${kind}`);
  if (seen === undefined || sent === null || seen === sent) return;
  const what = `the server has the checksum ${seen.slice(0, 60)} for bytes with ${sent}`;
  if (isFinal) throw otherBytes(action, what);
  throw new ProtocolError("io", `cannot ${action}: ${what}`, { retryable: true, definite: false });
}

/** How the sum of an object that was made of parts is made: of its bytes, or of the parts' sums. */
export type WholeKind = "FULL_OBJECT" | "COMPOSITE";

/** A part as far as its sum is concerned. */
interface SummedPart {
  readonly size: number;
  readonly checksum: string | null;
}

/** The sum of an object of parts in their order, as S3 writes it; `null` where one part has none. */
export function wholeChecksum(
  env: Env,
  kind: ChecksumKind,
  whole: WholeKind,
  parts: readonly SummedPart[],
): string | null {
  if (kind === "none" || parts.length === 0) return null;
  const sums: Uint8Array[] = [];
  for (const { checksum } of parts) {
    if (checksum === null) return null;
    sums.push(Uint8Array.fromBase64(checksum));
  }
  if (whole === "COMPOSITE") return `${compositeOf(env, kind, sums)}-${parts.length}`;
  if (kind === "sha256") return null;
  let sum = 0;
  for (const [index, part] of parts.entries()) {
    const own = new DataView(sums[index]!.buffer).getUint32(0);
    sum = combinedCrc(CRC_POLYNOMIAL[kind], sum, own, part.size);
  }
  return base64Of(sum);
}

function compositeOf(env: Env, kind: Exclude<ChecksumKind, "none">, sums: Uint8Array[]): string {
  const bytes = Buffer.concat(sums);
  if (kind === "sha256") return Uint8Array.fromHex(sha256Hex(env.hash, bytes)).toBase64();
  return base64Of(crcOf(env, kind)(bytes));
}

/** Compares what is read with the CRC of a whole object; `null` where the answer has none of its bytes. */
export function checkOfWhole(
  env: Env,
  headers: ReadonlyMap<string, string>,
): ContentCheck | null {
  if (headers.get("x-amz-checksum-type") === "COMPOSITE") return null;
  for (const kind of ["crc32", "crc32c"] as const) {
    const told = headers.get(`x-amz-checksum-${kind}`);
    // The sum of a whole object has no number of parts behind it.
    if (told === undefined || !/^[A-Za-z0-9+/]{6}==$/.test(told)) continue;
    const crc = crcOf(env, kind);
    let sum = 0;
    return {
      update: (bytes) => void (sum = crc(bytes, sum)),
      fault: () => base64Of(sum) === told ? null : `its bytes have another ${kind} than was told`,
    };
  }
  return null;
}

function crcOf(
  env: Env,
  kind: "crc32" | "crc32c",
): (bytes: Uint8Array, seed?: number) => number {
  return kind === "crc32" ? (bytes, seed) => env.hash.crc32(bytes, seed) : crc32c;
}

function base64Of(crc: number): string {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, crc);
  return bytes.toBase64();
}
