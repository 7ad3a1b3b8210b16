/** Simple models of a link, which tell what so many at a time bring; and looks at them. */

import { adapt } from "../../../actors/adaptive/adaptation.ts";
import { ADAPTIVE_LIMITS } from "../../../actors/adaptive/limits.ts";
import { type Adaptation, begin } from "../../../actors/adaptive/state.ts";
import { limitValues } from "../../../runtime/base/limits.ts";

export const LIMITS = limitValues(ADAPTIVE_LIMITS);
export const LOOK_MS = LIMITS.adaptMs;

/** What so many at a time bring in a second. */
export interface Flow {
  readonly bytes: number;
  readonly files: number;
  /** Of those that begin in that second. */
  readonly refused: number;
}

/** See the head of this file. */
export type Link = (atOnce: number) => Flow;

/** Files of which each takes a round trip, up to so many at a time; `bytes` is nothing worth. */
export function roundTrips(capacity: number, perSecond: number): Link {
  return (atOnce) => {
    const files = Math.min(atOnce, capacity) * perSecond;
    return { files, bytes: files * 1_000, refused: 0 };
  };
}

/** One large file, or many: each connection brings so much, all together `capacity` times that. */
export function connections(capacity: number, bytesPerSecond: number): Link {
  return (atOnce) => {
    return { files: 0, bytes: Math.min(atOnce, capacity) * bytesPerSecond, refused: 0 };
  };
}

/** Beyond `capacity` it does less and less. */
export function thrashing(capacity: number, bytesPerSecond: number): Link {
  return (atOnce) => {
    const over = Math.max(1, atOnce / capacity);
    const bytes = Math.min(atOnce, capacity) * bytesPerSecond / over;
    return { files: bytes / 500_000, bytes, refused: 0 };
  };
}

/** Beyond `most` it refuses. */
export function refusing(most: number, perSecond: number): Link {
  return (atOnce) => {
    const files = Math.min(atOnce, most) * perSecond;
    return { files, bytes: files * 1_000, refused: Math.max(0, atOnce - most) * perSecond };
  };
}

/** Looks at a link, one after the other; the numbers that it had. */
export class Watched {
  state: Adaptation;
  readonly numbers: number[] = [];
  readonly #noise: () => number;
  #before: number;
  #left: Flow = { bytes: 0, files: 0, refused: 0 };

  constructor(most: number, first: number, noise: () => number = () => 1) {
    this.state = begin(most, first);
    this.#before = this.state.atOnce;
    this.#noise = noise;
  }

  look(link: Link, looks: number): void {
    for (let n = 0; n < looks; n += 1) this.#look(link);
  }

  /** The numbers of the last looks. */
  last(looks: number): number[] {
    return this.numbers.slice(-looks);
  }

  #look(link: Link): void {
    const { atOnce } = this.state;
    // While the number changes there are some of both.
    const isChanging = atOnce !== this.#before;
    const [one, other] = [link(this.#before), link(atOnce)];
    this.#before = atOnce;
    const share = LOOK_MS / 1_000 * this.#noise();
    const left = this.#left;
    const flow = {
      bytes: left.bytes + share * (one.bytes + other.bytes) / 2,
      files: left.files + share * (one.files + other.files) / 2,
      refused: left.refused + (isChanging ? share / 2 : share) * other.refused,
    };
    const [bytes, ended, refused] = [flow.bytes, flow.files, flow.refused].map(Math.floor);
    this.#left = {
      bytes: flow.bytes - bytes!,
      files: flow.files - ended!,
      refused: flow.refused - refused!,
    };
    this.numbers.push(atOnce);
    const code = refused! > 0 ? "rateLimited" : null;
    const seen = { ms: LOOK_MS, bytes: bytes!, ended: ended!, refused: refused!, code };
    this.state = adapt(this.state, { ...seen, isFull: true }, LIMITS);
  }
}

/** The mean of what was brought with these numbers, of what the best number up to `most` brings. */
export function shareOfBest(link: Link, numbers: readonly number[], most: number): number {
  const worth = (atOnce: number) => {
    const { bytes, files } = link(atOnce);
    return bytes + files * LIMITS.adaptFileBytes;
  };
  let best = 0;
  for (let atOnce = 1; atOnce <= most; atOnce += 1) best = Math.max(best, worth(atOnce));
  return numbers.reduce((sum, atOnce) => sum + worth(atOnce), 0) / numbers.length / best;
}

/** Noise from a seed: factors within `percent` of one. */
export function noiseOf(seed: number, percent: number): () => number {
  let state = seed >>> 0 || 1;
  return () => {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9 >>> 0;
    state ^= state >>> 13;
    return 1 + ((state >>> 0) / 2 ** 32 - 0.5) * 2 * percent / 100;
  };
}
