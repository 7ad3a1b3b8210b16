/** The bounds of node-local stores. */

import type { LimitTable } from "../base/limits.ts";
import { MIB } from "../base/units.ts";

/** Every bound of `runtime/store`. */
export const STORE_LIMITS = {
  segmentBytes: {
    unit: "bytes",
    value: 64 * MIB,
    why: "a journal segment that reached this size is followed by a new one",
  },
  recordBytes: {
    unit: "bytes",
    value: 8 * MIB,
    why: "the longest journal record; a longer length in a file can only be damage",
  },
  pendingBytes: {
    unit: "bytes",
    value: 64 * MIB,
    why: "records appended and not yet written; more is refused until the disk has caught up",
  },
  batchBytes: {
    unit: "bytes",
    value: 4 * MIB,
    why: "bytes written at once before one sync, unless a single record is longer",
  },
  preallocateBytes: {
    unit: "bytes",
    value: 0,
    why:
      "zeros written ahead into a new segment, so that appends change no size; 0 for none (no gain measured)",
  },
} as const satisfies LimitTable;
