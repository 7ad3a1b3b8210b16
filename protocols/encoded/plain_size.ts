/** The length of a file and of what it is at rest, where all full frames have the same length. */

import { FRAME_BYTES, type FrameCodec, type FrameCoder } from "./coder.ts";

/** Bytes of the file, of those at rest; `null` where only reading tells, or where it is cut. */
export function plainSizeOf(
  { headBytes }: FrameCoder,
  { fullFrameBytes }: FrameCodec,
  atRest: number | null,
): number | null {
  if (fullFrameBytes === null || atRest === null) return null;
  const around = fullFrameBytes - FRAME_BYTES;
  const frames = Math.floor((atRest - headBytes) / fullFrameBytes);
  const last = atRest - headBytes - frames * fullFrameBytes;
  return frames < 0 || last < around ? null : frames * FRAME_BYTES + last - around;
}
