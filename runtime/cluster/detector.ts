/**
 * The phi-accrual failure detector (Hayashibara, Defago, Yared, Katayama: "The phi accrual failure
 * detector", SRDS 2004), with a least deviation, an acceptable pause and a first estimate as in Akka.
 *
 * The history only moves the verdict between two bounds, which hold whatever it was: silence of
 * `detectorPingMs + detectorPauseMs` is never enough, silence of `detectorCertainMs` always is.
 */

import { assert } from "../base/assert.ts";
import type { Detector, DetectorFactory } from "../remote/liveness.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";

/** Intervals between answers: a ring with its mean and deviation. */
class Intervals {
  readonly #ring: Float64Array;
  #count = 0;
  #next = 0;
  #sum = 0;
  #squares = 0;

  constructor(capacity: number) {
    this.#ring = new Float64Array(capacity);
  }

  get mean(): number {
    return this.#sum / this.#count;
  }

  /** Rounding may take the difference of two large sums below zero. */
  get deviation(): number {
    return Math.sqrt(Math.max(0, this.#squares / this.#count - this.mean ** 2));
  }

  add(intervalMs: number): void {
    if (this.#count === this.#ring.length) {
      const oldest = this.#ring[this.#next]!;
      this.#sum -= oldest;
      this.#squares -= oldest ** 2;
    } else {
      this.#count += 1;
    }
    this.#ring[this.#next] = intervalMs;
    this.#next = (this.#next + 1) % this.#ring.length;
    this.#sum += intervalMs;
    this.#squares += intervalMs ** 2;
  }
}

/**
 * -log10 of the chance that a normal variable exceeds its mean by `y` deviations. Logistic
 * approximation (Bowling et al. 2009) as Akka uses it, in a form that neither overflows nor falls.
 */
function phiOf(y: number): number {
  const x = y * (1.5976 + 0.070566 * y * y);
  return (x > 50 ? x : Math.log1p(Math.exp(x))) / Math.LN10;
}

class PhiAccrual implements Detector {
  readonly #limits: ClusterLimits;
  readonly #intervals: Intervals;
  #lastMs: number;

  constructor(limits: ClusterLimits, nowMs: number) {
    this.#limits = limits;
    this.#lastMs = nowMs;
    this.#intervals = new Intervals(limits.detectorSamples);
    // A first estimate: the pings are regular, how much so is not known yet.
    const { detectorPingMs } = limits;
    this.#intervals.add(detectorPingMs * 0.75);
    this.#intervals.add(detectorPingMs * 1.25);
  }

  heartbeat(nowMs: number): void {
    this.#intervals.add(Math.max(0, nowMs - this.#lastMs));
    this.#lastMs = Math.max(this.#lastMs, nowMs);
  }

  phi(nowMs: number): number {
    const { detectorPingMs, detectorPauseMs, detectorMinStdMs, detectorCertainMs } = this.#limits;
    const silentMs = nowMs - this.#lastMs;
    if (silentMs >= detectorCertainMs) return Infinity;
    // Answers that come in a burst after a pause do not mean that they will go on like that.
    const mean = Math.max(detectorPingMs, this.#intervals.mean) + detectorPauseMs;
    const deviation = Math.max(detectorMinStdMs, this.#intervals.deviation);
    return phiOf((silentMs - mean) / deviation);
  }
}

/** Makes phi-accrual detectors, for `detector` of a hub; `overrides` of single limits. */
export function phiAccrual(overrides: Partial<ClusterLimits> = {}): DetectorFactory {
  const limits = clusterLimits(overrides);
  assert(limits.detectorPhi > 1, "at its mean a silence is no reason to suspect");
  return {
    suspectPhi: limits.detectorPhi,
    create: (nowMs) => new PhiAccrual(limits, nowMs),
  };
}

/** The same for links that ping at another pace: both bounds move with it. */
export function phiAccrualOfPings(pingMs: number): DetectorFactory {
  const { detectorPingMs, detectorCertainMs } = clusterLimits();
  const afterPingMs = detectorCertainMs - detectorPingMs;
  return phiAccrual({ detectorPingMs: pingMs, detectorCertainMs: pingMs + afterPingMs });
}
