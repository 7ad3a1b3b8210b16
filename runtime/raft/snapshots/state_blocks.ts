/**
 * State on its way out of the machine: its pieces gathered into blocks, in slices of the event loop with
 * rests in between. Members take their snapshots at about the same time, and commands go on meanwhile.
 */

import type { Env } from "../../env/env.ts";
import type { RaftLimits } from "../limits.ts";
import type { SnapshotPieces } from "../storage.ts";

/** How state becomes blocks. */
export interface BlocksOptions {
  readonly env: Pick<Env, "clock" | "timers">;
  readonly limits: Pick<RaftLimits, "chunkBytes" | "snapshotSliceMs" | "snapshotRests">;
  /** Each block is given away; else the next one is made in its place. */
  readonly areKept: boolean;
}

/** In blocks of `chunkBytes`, and in slices of `snapshotSliceMs`, each with its rest. */
export async function* blocksOf(
  pieces: SnapshotPieces,
  { env: { clock, timers }, limits, areKept }: BlocksOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const { chunkBytes, snapshotSliceMs, snapshotRests } = limits;
  let block = new Uint8Array(chunkBytes);
  let filled = 0;
  let beganMs = clock.monotonic();
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length;) {
      const part = piece.subarray(at, at + chunkBytes - filled);
      block.set(part, filled);
      filled += part.length;
      at += part.length;
      if (filled < chunkBytes) continue;
      yield block;
      if (areKept) block = new Uint8Array(chunkBytes);
      filled = 0;
    }
    const tookMs = clock.monotonic() - beganMs;
    if (tookMs < snapshotSliceMs) continue;
    const restMs = snapshotRests * Math.min(tookMs, snapshotSliceMs);
    await new Promise<void>((resolve) => void timers.after(restMs, resolve));
    beganMs = clock.monotonic();
  }
  if (filled > 0) yield block.subarray(0, filled);
}
