/** How large the parts of an upload are whose whole size is not known beforehand. Pure. */

import { assert } from "../../runtime/base/assert.ts";
import { protocolLimits } from "../limits.ts";

/**
 * Bytes of part `number` (from 1 on): a fixed size, or one that doubles every `s3PartsPerSize` parts, so
 * that small files cost little memory and 10,000 parts still hold 5 TiB.
 */
export function bytesOfPart(number: number, fixedBytes: number | null): number {
  const { s3PartBytes, s3PartMaxBytes, s3PartsPerSize } = protocolLimits;
  assert(number >= 1, "parts are numbered from 1 on");
  if (fixedBytes !== null) return fixedBytes;
  return Math.min(s3PartMaxBytes, s3PartBytes * 2 ** Math.floor((number - 1) / s3PartsPerSize));
}

/** What a size may still grow by while it is on its way: compressing and sealing add a little. */
const GROWTH = 1.25;
const GRAIN_BYTES = 1_048_576;

/** The size of every part of a file whose size is known beforehand: as small as 10,000 parts allow. */
export function evenPartBytes(sizeBytes: number): number {
  const { s3PartBytes, s3PartMaxBytes, s3PartsMax } = protocolLimits;
  const least = Math.ceil(sizeBytes * GROWTH / s3PartsMax / GRAIN_BYTES) * GRAIN_BYTES;
  return Math.min(s3PartMaxBytes, Math.max(s3PartBytes, least));
}
