/** How much at a time, and what is known about it: the values between which `adaptation.ts` moves. */

/** What happened since the last look. */
export interface Seen {
  readonly ms: number;
  readonly bytes: number;
  /** Files (or ranges) that have ended. */
  readonly ended: number;
  /** Begun since the number has changed last, and failed as if it were too much. */
  readonly refused: number;
  /** Why the last of them failed. */
  readonly code: string | null;
  /** The number alone held others back. */
  readonly isFull: boolean;
}

/** Why a number is what it is; `percent` is of the rate, and of what was refused. */
export interface Why {
  readonly cause:
    | "declared"
    | "begins"
    | "remembered"
    | "tryMore"
    | "tryFewer"
    | "better"
    | "noBetter"
    | "worse"
    | "refused";
  /** The number that it was before, or that was tried. */
  readonly other: number;
  readonly percent: number;
  readonly code: string | null;
}

/** A step that was taken to see what it brings. */
export interface Trial {
  readonly from: number;
  readonly fromRate: number;
  /** Of the looks at it so far. */
  readonly looks: number;
  readonly rates: number;
}

/** Looks that were too short to be one. */
export interface Gathered {
  readonly ms: number;
  readonly fullMs: number;
  readonly work: number;
  readonly ended: number;
  readonly refused: number;
}

/** The state between two looks. */
export interface Adaptation {
  readonly atOnce: number;
  readonly most: number;
  readonly why: Why;
  readonly stage: "rising" | "holding";
  readonly gathered: Gathered;
  /** The number has just changed: the next look sees both. */
  readonly isSettling: boolean;
  readonly trial: Trial | null;
  /** At this number, smoothed; `null`: not known. */
  readonly rate: number | null;
  /** Looks in a row that were far from it. */
  readonly surprises: number;
  readonly direction: "more" | "fewer";
  /** Looks before the next trial, and before the one after a vain one. */
  readonly pause: number;
  readonly nextPause: number;
  /** The least number that was refused, and how long it is not tried. */
  readonly refusedAt: number | null;
  readonly refusedMs: number;
  readonly refusedForMs: number;
}

export const NOTHING: Gathered = { ms: 0, fullMs: 0, work: 0, ended: 0, refused: 0 };

/** Looks before the second trial: it doubles with each one in vain. */
export const FIRST_PAUSE = 2;

/** Nothing is being tried, and nothing of what was tried counts any more. */
export const AFRESH = {
  trial: null,
  rate: null,
  surprises: 0,
  direction: "more",
  pause: 0,
  nextPause: FIRST_PAUSE,
} as const;

/** A number from 1 to `most`, about which nothing is known yet. */
export function begin(most: number, atOnce: number): Adaptation {
  const first = Math.max(1, Math.min(most, atOnce));
  return {
    atOnce: first,
    most: Math.max(1, most),
    why: why("begins", first),
    stage: "rising",
    gathered: NOTHING,
    isSettling: false,
    ...AFRESH,
    refusedAt: null,
    refusedMs: 0,
    refusedForMs: 0,
  };
}

/** Another number from now on: the look in which that happens does not count. */
export function moved(state: Adaptation, to: number, cause: Why): Adaptation {
  return { ...state, atOnce: to, why: cause, isSettling: true, gathered: NOTHING };
}

/** A cause, with the share of a rate in percent. */
export function why(
  cause: Why["cause"],
  other: number,
  share = 0,
  code: string | null = null,
): Why {
  return { cause, other, percent: Math.round(share * 100), code };
}
