/**
 * How much at a time: a number that follows what it brings. Pure; one `adapt` for each look at what was
 * moved, and the same looks give the same numbers.
 *
 * Additive increase, multiplicative decrease (Chiu and Jain, 1989), as FTS3 does it for a link of a grid:
 * by throughput and by failures. What differs: no table of the past, but trials. A trial takes one step,
 * leaves out the look in which the change happens, measures two, and stays only if that was worth it.
 * - It begins small and doubles while that pays; where doubling pays in part, the number between is taken.
 * - Then it tries a sixteenth of what is allowed more, and a quarter fewer, in turns; the more often in vain,
 *   the longer it waits. More has to bring half of what it would on an idle way; fewer may cost a quarter.
 *   Between these two bounds it stays: that is why it does not swing.
 * - What is refused halves it at once, and that number is not tried again for a while.
 *
 * Latency is no input: while all places are taken it is their number divided by the rate (Little, 1961).
 */

import type { AdaptiveLimits } from "./limits.ts";
import { forgiven, halved, limitOf, waited } from "./refused.ts";
import {
  type Adaptation,
  FIRST_PAUSE,
  type Gathered,
  moved,
  NOTHING,
  type Seen,
  type Trial,
  why,
} from "./state.ts";

const TRIAL_LOOKS = 2;
/** Of what a step would bring on an idle way: more has to bring half, fewer may cost a quarter. */
const WORTH = 0.5;
const TOLERATED = 0.25;
/** Of the last look in the smoothed rate. */
const WEIGHT = 0.3;
/** A rate so far from the known one is another way, or other files. */
const SURPRISE = 0.4;

/** The next state; see the head of this file. */
export function adapt(state: Adaptation, seen: Seen, limits: AdaptiveLimits): Adaptation {
  const gathered = gather(state.gathered, seen, limits);
  const now = { ...waited(state, seen.ms), gathered };
  if (isTooMuch(gathered, limits)) return halved(now, seen.code, limits);
  if (!isEnough(now, limits)) return now;
  if (state.isSettling) return { ...now, gathered: NOTHING, isSettling: false };
  const next = { ...forgiven(now), gathered: NOTHING };
  if (gathered.fullMs * 2 < gathered.ms) return idle(next);
  const rate = gathered.work / gathered.ms;
  return state.stage === "rising" ? rise(next, rate) : hold(next, rate, limits);
}

function gather(before: Gathered, seen: Seen, { adaptFileBytes }: AdaptiveLimits): Gathered {
  return {
    ms: before.ms + seen.ms,
    fullMs: before.fullMs + (seen.isFull ? seen.ms : 0),
    work: before.work + Math.max(0, seen.bytes) + seen.ended * adaptFileBytes,
    ended: before.ended + seen.ended,
    refused: before.refused + seen.refused,
  };
}

function isTooMuch({ refused, ended }: Gathered, { adaptRefusedPercent }: AdaptiveLimits): boolean {
  return refused > 0 && refused * 100 >= (refused + ended) * adaptRefusedPercent;
}

/** Long enough, and each place has had something to do. */
function isEnough({ gathered, atOnce }: Adaptation, limits: AdaptiveLimits): boolean {
  if (gathered.ms < limits.adaptMs) return false;
  return gathered.work >= atOnce * limits.adaptFileBytes || gathered.ms >= limits.adaptMostMs;
}

/** There was not enough to do: nothing follows, and no trial can be judged. */
function idle(state: Adaptation): Adaptation {
  if (state.trial === null) return { ...state, rate: null };
  const { from } = state.trial;
  const back = { ...state, trial: null, rate: null, pause: FIRST_PAUSE };
  return from === state.atOnce ? back : moved(back, from, why("noBetter", state.atOnce));
}

/** Doubles while that pays. */
function rise(state: Adaptation, rate: number): Adaptation {
  const { trial, atOnce } = state;
  const limit = limitOf(state);
  if (trial === null) {
    if (atOnce >= limit) return { ...state, stage: "holding", rate };
    const trying = { ...state, trial: newTrial(atOnce, rate) };
    return moved(trying, Math.min(limit, atOnce * 2), why("tryMore", atOnce));
  }
  const gain = rate / trial.fromRate - 1;
  const step = atOnce / trial.from - 1;
  const risen = { ...state, trial: null, rate };
  if (gain >= step * WORTH) {
    const better = { ...risen, why: why("better", trial.from, gain) };
    if (atOnce >= limit) return { ...better, stage: "holding" };
    const further = { ...better, trial: newTrial(atOnce, rate) };
    return moved(further, Math.min(limit, atOnce * 2), better.why);
  }
  // It pays up to somewhere between the two.
  const between = Math.round(trial.from * (1 + Math.max(0, gain)));
  const held = { ...risen, stage: "holding", rate: null, direction: "fewer" } as const;
  return between === atOnce ? held : moved(held, between, why("noBetter", atOnce));
}

/** Near the best number: now and then another one is tried. */
function hold(state: Adaptation, rate: number, limits: AdaptiveLimits): Adaptation {
  if (state.trial !== null) return judge(state, state.trial, rate, limits);
  if (state.rate === null) return tryNext({ ...state, rate }, rate);
  const isFar = Math.abs(rate / state.rate - 1) > SURPRISE;
  if (isFar && state.surprises > 0) {
    return { ...state, rate, surprises: 0, pause: 0, nextPause: FIRST_PAUSE };
  }
  const smoothed = isFar ? state.rate : state.rate + (rate - state.rate) * WEIGHT;
  const known = { ...state, rate: smoothed, surprises: isFar ? 1 : 0 };
  return tryNext(known, smoothed);
}

function tryNext(state: Adaptation, rate: number): Adaptation {
  const { pause, atOnce, direction } = state;
  if (pause > 0) return { ...state, pause: pause - 1 };
  const [mayRise, mayFall] = [atOnce < limitOf(state), atOnce > 1];
  if (!mayRise && !mayFall) return state;
  const isMore = mayRise && (direction === "more" || !mayFall);
  const to = isMore
    ? Math.min(limitOf(state), atOnce + increase(state))
    : atOnce - Math.max(1, Math.floor(atOnce / 4));
  const trying = { ...state, trial: newTrial(atOnce, rate) };
  return moved(trying, to, why(isMore ? "tryMore" : "tryFewer", atOnce));
}

/** The same for every number, but no more than a quarter of a small one. */
function increase({ atOnce, most }: Adaptation): number {
  return Math.max(1, Math.min(Math.floor(most / 16), Math.floor(atOnce / 4)));
}

/** Was the step worth it? */
function judge(
  state: Adaptation,
  trial: Trial,
  rate: number,
  { adaptPauseLooks }: AdaptiveLimits,
): Adaptation {
  const looks = trial.looks + 1;
  const rates = trial.rates + rate;
  if (looks < TRIAL_LOOKS) return { ...state, trial: { ...trial, looks, rates } };
  const { from, fromRate } = trial;
  const mean = rates / looks;
  const gain = mean / fromRate - 1;
  const step = state.atOnce / from - 1;
  const isMore = step > 0;
  const ended = { ...state, trial: null, surprises: 0 };
  if (isMore ? gain >= step * WORTH : gain >= step * TOLERATED) {
    const cause = isMore ? why("better", from, gain) : why("noBetter", from);
    return {
      ...ended,
      why: cause,
      rate: mean,
      pause: 1,
      nextPause: FIRST_PAUSE,
      direction: isMore ? "more" : "fewer",
    };
  }
  const nextPause = Math.min(adaptPauseLooks, state.nextPause * 2);
  const turned = { ...ended, rate: fromRate, pause: state.nextPause, nextPause };
  const back = { ...turned, direction: isMore ? "fewer" : "more" } as const;
  return moved(
    back,
    from,
    isMore ? why("noBetter", state.atOnce) : why("worse", state.atOnce, gain),
  );
}

function newTrial(from: number, fromRate: number): Trial {
  return { from, fromRate, looks: 0, rates: 0 };
}
