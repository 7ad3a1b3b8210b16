/**
 * Which segments of an archive were read again, and what that has found. Each is due once in a round; a
 * round goes on where it was when the controller ends in between.
 */

import type { VerifyLimits } from "./limits.ts";

/** What is known of the checks of one archive; durable beside it. */
export interface ArchiveChecks {
  /** The last segment that was checked in this round; 0: none yet. */
  readonly through: number;
  readonly roundBeganMs: number;
  /** When all segments had been checked; null: not yet. */
  readonly verifiedMs: number | null;
  /** Checks so far, and those that found damage. */
  readonly segments: number;
  readonly damaged: number;
  readonly lastDamagedMs: number | null;
}

/** Before the first check. */
export const UNCHECKED: ArchiveChecks = {
  through: 0,
  roundBeganMs: 0,
  verifiedMs: null,
  segments: 0,
  damaged: 0,
  lastDamagedMs: null,
};

/** The segment that is due next, of those that are held; null: the round is over. */
export function nextDue({ through }: ArchiveChecks, held: readonly number[]): number | null {
  return held.reduce<number | null>(
    (next, number) => number > through && (next === null || number < next) ? number : next,
    null,
  );
}

/** A segment was read again. */
export function checked(
  checks: ArchiveChecks,
  number: number,
  isDamaged: boolean,
  nowMs: number,
): ArchiveChecks {
  const counted = { ...checks, through: number, segments: checks.segments + 1 };
  if (!isDamaged) return counted;
  return { ...counted, damaged: checks.damaged + 1, lastDamagedMs: nowMs };
}

/** Every segment was; the next round begins when its time has come. */
export function roundEnded(checks: ArchiveChecks, nowMs: number): ArchiveChecks {
  return { ...checks, through: 0, roundBeganMs: nowMs, verifiedMs: nowMs };
}

/** Whether there is nothing to check, and has not been since the last round. */
export function isIdle(checks: ArchiveChecks, held: readonly number[]): boolean {
  return held.length === 0 && checks.through === 0 && checks.verifiedMs !== null;
}

/**
 * How long until the next check: what is left of the round in equal parts, so that the disk never has them
 * all at once.
 */
export function pauseBefore(
  { through, roundBeganMs }: ArchiveChecks,
  held: readonly number[],
  nowMs: number,
  limits: Omit<VerifyLimits, "archiveVerifyPerSecond">,
): number {
  const { archiveVerifyMs, archiveVerifyPauseMs, archiveVerifyLookMs } = limits;
  const left = held.filter((number) => number > through).length;
  const leftMs = Math.max(0, roundBeganMs + archiveVerifyMs - nowMs);
  const partMs = Math.max(archiveVerifyPauseMs, leftMs / Math.max(1, left));
  return Math.min(archiveVerifyLookMs, partMs);
}
