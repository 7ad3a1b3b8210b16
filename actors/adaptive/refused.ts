/** What was refused halves the number, and is not tried again for a while. */

import type { AdaptiveLimits } from "./limits.ts";
import { type Adaptation, AFRESH, moved, why } from "./state.ts";

/** The most that may be tried now. */
export function limitOf({ most, refusedAt, refusedMs }: Adaptation): number {
  return refusedAt === null || refusedMs <= 0 ? most : Math.max(1, Math.min(most, refusedAt - 1));
}

/** So much time has passed. */
export function waited<T extends Adaptation>(state: T, ms: number): T {
  return state.refusedMs <= 0 ? state : { ...state, refusedMs: Math.max(0, state.refusedMs - ms) };
}

/** What was refused before is borne now: a whole look has gone by. */
export function forgiven(state: Adaptation): Adaptation {
  const { refusedAt, atOnce } = state;
  if (refusedAt === null || atOnce < refusedAt) return state;
  return { ...state, refusedAt: null, refusedMs: 0, refusedForMs: 0 };
}

/** Half as many from now on. */
export function halved(
  state: Adaptation,
  code: string | null,
  { adaptRefusedMs, adaptRefusedMostMs }: AdaptiveLimits,
): Adaptation {
  const { atOnce, gathered: { refused, ended }, refusedAt } = state;
  const isAgain = refusedAt !== null && atOnce >= refusedAt;
  const refusedForMs = isAgain
    ? Math.min(adaptRefusedMostMs, state.refusedForMs * 2)
    : adaptRefusedMs;
  const half = Math.max(1, Math.floor(atOnce / 2));
  const cause = why("refused", atOnce, refused / (refused + ended), code);
  return moved(
    {
      ...state,
      stage: "holding",
      ...AFRESH,
      // One at a time is never too much.
      ...(atOnce > 1 ? { refusedAt: atOnce, refusedMs: refusedForMs, refusedForMs } : {}),
    },
    half,
    cause,
  );
}
