/** Where a log stands: what a checkpoint says, and what the next order must fit. */

import type { Entry, HardState, SnapshotMeta } from "../core/entry.ts";
import type { OrderRecord } from "./records.ts";

/** The end of a log. */
export interface LogEnd {
  /** What the log began after when it was last reset. */
  readonly base: SnapshotMeta;
  readonly hardState: HardState;
  /** Of the last entry; the base's where there is none. */
  readonly lastIndex: number;
}

/** What a part of an order does to the end of the log. */
export function afterOrder(end: LogEnd, order: Omit<OrderRecord, "kind">): LogEnd {
  const base = order.reset ?? end.base;
  const before = order.reset === null ? end.lastIndex : order.reset.index;
  return {
    base,
    hardState: order.hardState ?? end.hardState,
    lastIndex: order.entries.at(-1)?.index ?? before,
  };
}

/** A file of the log, and the highest entry in it that a later record has not replaced. */
export interface LiveSegment {
  readonly sequence: number;
  readonly path: string;
  liveThrough: number;
}

/** Keeps {@link LiveSegment.liveThrough} true as a record goes into the last of `segments`. */
export function noteRecord(
  segments: readonly LiveSegment[],
  reset: SnapshotMeta | null,
  entries: readonly Entry[],
): void {
  const first = entries[0]?.index;
  for (const segment of segments) {
    if (reset !== null) segment.liveThrough = 0;
    if (first !== undefined) segment.liveThrough = Math.min(segment.liveThrough, first - 1);
  }
  const last = entries.at(-1)?.index;
  if (last !== undefined) segments.at(-1)!.liveThrough = last;
}
