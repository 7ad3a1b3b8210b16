/** Time in the log: stamped by the leader, never falling, judged by the voters' median. */

/** The stamp of the next entry. */
export function nextStamp(lastStampMs: number, wallMs: number): number {
  return Math.max(lastStampMs, wallMs);
}

/** What a leader knows of its own clock; until a quorum has told theirs, nothing. */
export type ClockState = "unknown" | "even" | "skewed";

/**
 * The median of others' clocks less ours (our own is 0); null where the two in the middle are further
 * apart than `skewMs`: half of the clocks cannot say that the other half is wrong.
 */
export function medianOffsetMs(offsetsMs: readonly number[], skewMs: number): number | null {
  const sorted = offsetsMs.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? 0;
  if (sorted.length % 2 === 1) return upper;
  const lower = sorted[sorted.length / 2 - 1] ?? 0;
  if (upper - lower > skewMs) return null;
  return Math.abs(lower) < Math.abs(upper) ? lower : upper;
}
