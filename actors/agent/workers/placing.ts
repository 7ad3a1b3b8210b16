/** Which Worker gets the next attempt: pure. */

import { MIB } from "../../../runtime/base/units.ts";

/** What a Worker has to do. */
export interface Load {
  readonly attempts: number;
  /** What each of its attempts has left to move; null where that is not known yet. */
  readonly leftBytes: readonly (number | null)[];
}

/** An attempt costs about as much CPU time as moving so many bytes: a millisecond of a core. */
const ATTEMPT_BYTES = MIB;
/** A size that is not known yet counts as one chunk. */
const UNKNOWN_BYTES = 8 * MIB;
/** What an attempt has beyond this is further away than the end of most others. */
const HORIZON_BYTES = 256 * MIB;

/** The work before a Worker, as bytes. */
export function loadBytes({ leftBytes }: Load): number {
  const bytes = (left: number | null) => Math.min(HORIZON_BYTES, left ?? UNKNOWN_BYTES);
  return leftBytes.reduce((sum: number, left) => sum + ATTEMPT_BYTES + bytes(left), 0);
}

/** The one with the least to do, of equals the one with the fewest attempts, then the first. */
export function leastLoaded<W extends { readonly load: Load }>(workers: readonly W[]): W | null {
  let best: { readonly worker: W; readonly bytes: number } | null = null;
  for (const worker of workers) {
    const bytes = loadBytes(worker.load);
    if (best !== null && bytes > best.bytes) continue;
    const isFewer = best !== null && worker.load.attempts >= best.worker.load.attempts;
    if (best !== null && bytes === best.bytes && isFewer) continue;
    best = { worker, bytes };
  }
  return best?.worker ?? null;
}
