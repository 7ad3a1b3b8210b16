/** Reads the segments of an archive again, one at a time, no faster than it may. */

import type { Clock, Timers } from "../../runtime/env/env.ts";
import type { State } from "../controller/state.ts";
import { checked, isIdle, nextDue, pauseBefore, roundEnded } from "./checks.ts";
import type { VerifyLimits } from "./limits.ts";
import type { ArchiveStore } from "./store.ts";

/** What it works with. */
export interface VerifierContext {
  readonly clock: Clock;
  readonly timers: Pick<Timers, "after">;
  readonly store: ArchiveStore;
  readonly limits: VerifyLimits;
}

/** A step of it: the segment that was found damaged; null: none was. */
export interface Verified {
  readonly damaged: number | null;
}

/** How long until the next step. */
export function nextStepMs({ clock, store, limits }: VerifierContext): number {
  return pauseBefore(store.checks, store.numbers(), clock.now(), limits);
}

/**
 * Checks the next segment, or ends the round. What is damaged is given up, and to be taken in again.
 * Rejects with DiskError where the disk refuses, and with `signal`'s reason.
 */
export async function verifyNext(
  context: VerifierContext,
  { archive }: State,
  signal: AbortSignal,
): Promise<Verified> {
  const { store, clock } = context;
  const number = nextDue(store.checks, store.numbers());
  if (number === null) {
    if (isIdle(store.checks, store.numbers())) return { damaged: null };
    await store.noteChecks(roundEnded(store.checks, clock.now()));
    return { damaged: null };
  }
  const isWhole = await store.check(number, pacer(context, signal));
  const isDamaged = isWhole === false || isUnchained(archive, number);
  await store.noteChecks(checked(store.checks, number, isDamaged, clock.now()));
  return { damaged: isDamaged ? number : null };
}

/** Waits after each piece until as much time has gone as its bytes may take. */
function pacer(
  { clock, timers, limits }: VerifierContext,
  signal: AbortSignal,
): (bytes: number) => Promise<void> {
  const beganMs = clock.monotonic();
  let total = 0;
  return async (bytes) => {
    total += bytes;
    const dueMs = beganMs + 1_000 * total / limits.archiveVerifyPerSecond;
    const waitMs = dueMs - clock.monotonic();
    if (waitMs > 0) await pause(timers, waitMs, signal);
    signal.throwIfAborted();
  };
}

function pause(
  timers: Pick<Timers, "after">,
  ms: number,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = timers.after(ms, resolve);
    signal.addEventListener("abort", () => {
      timer.cancel();
      resolve();
    }, { once: true });
  });
}

/** Whether the replicated state itself names another segment before this one than the one that is there. */
function isUnchained({ segments }: State["archive"], number: number): boolean {
  const before = segments.get(String(number - 1));
  const record = segments.get(String(number));
  return record !== undefined && before !== undefined && record.previous !== before.hash;
}
