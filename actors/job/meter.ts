/** What an attempt has moved so far, and what follows from it: rate and time left. */

import type { Clock } from "../../runtime/env/env.ts";
import type { AtOnce } from "../adaptive/regulator.ts";

/** Seconds over which the rate is averaged: short enough to follow, long enough to read. */
const RATE_HALF_LIFE_MS = 2_000;

/** One observation of a running attempt. */
export interface Progress {
  readonly phase: "opening" | "keeping" | "running" | "verifying" | "publishing";
  /** Of the file: kept, fetched and copied. */
  readonly doneBytes: number;
  readonly totalBytes: number | null;
  readonly fetchedBytes: number;
  readonly keptBytes: number;
  /** Copied by the service itself: none of them came here. Absent where there are none. */
  readonly copiedBytes?: number | undefined;
  readonly bytesPerSecond: number;
  /** `null` while nothing can be said. */
  readonly etaMs: number | null;
  /** Of a set, in this walk: copied, there already, failed. */
  readonly files?: FileCounts | undefined;
  /** How many files or ranges at a time, and why; absent where it is one. */
  readonly atOnce?: AtOnce | undefined;
}

/** Files of a set, in one walk. */
export interface FileCounts {
  readonly copied: number;
  readonly unchanged: number;
  readonly failed: number;
}

/** Counts an attempt's bytes; cheap to add to, read at a bounded rate. */
export class Meter {
  phase: Progress["phase"] = "opening";
  totalBytes: number | null = null;
  /** Of a set; `null` where it is one file. */
  files: FileCounts | null = null;
  /** `null` where there is one of everything. */
  atOnce: AtOnce | null = null;
  readonly #whole: Meter | null;
  #fetchedBytes = 0;
  #keptBytes = 0;
  #copiedBytes = 0;
  readonly #clock: Clock;
  #sampleMs: number;
  #sampleBytes = 0;
  #bytesPerSecond = 0;

  /** `whole`: what this one is a part of counts its bytes too. */
  constructor(clock: Clock, whole: Meter | null = null) {
    this.#clock = clock;
    this.#whole = whole;
    this.#sampleMs = clock.monotonic();
  }

  get fetchedBytes(): number {
    return this.#fetchedBytes;
  }
  set fetchedBytes(bytes: number) {
    if (this.#whole !== null) this.#whole.fetchedBytes += bytes - this.#fetchedBytes;
    this.#fetchedBytes = bytes;
  }
  get keptBytes(): number {
    return this.#keptBytes;
  }
  set keptBytes(bytes: number) {
    if (this.#whole !== null) this.#whole.keptBytes += bytes - this.#keptBytes;
    this.#keptBytes = bytes;
  }

  get copiedBytes(): number {
    return this.#copiedBytes;
  }
  set copiedBytes(bytes: number) {
    if (this.#whole !== null) this.#whole.copiedBytes += bytes - this.#copiedBytes;
    this.#copiedBytes = bytes;
  }

  /** The state now; the rate is an exponential average over some two seconds. */
  read(): Progress {
    this.#sample();
    const doneBytes = this.keptBytes + this.fetchedBytes + this.copiedBytes;
    const left = this.totalBytes === null ? null : Math.max(0, this.totalBytes - doneBytes);
    const rate = this.#bytesPerSecond;
    return {
      phase: this.phase,
      doneBytes,
      totalBytes: this.totalBytes,
      fetchedBytes: this.fetchedBytes,
      keptBytes: this.keptBytes,
      bytesPerSecond: Math.round(rate),
      etaMs: left === null || rate < 1 ? null : Math.round(left / rate * 1_000),
      ...(this.copiedBytes === 0 ? {} : { copiedBytes: this.copiedBytes }),
      ...(this.files === null ? {} : { files: this.files }),
      ...(this.atOnce === null ? {} : { atOnce: this.atOnce }),
    };
  }

  #sample(): void {
    const nowMs = this.#clock.monotonic();
    const passedMs = nowMs - this.#sampleMs;
    if (passedMs < 1) return;
    const bytes = this.fetchedBytes + this.copiedBytes;
    const rate = (bytes - this.#sampleBytes) / passedMs * 1_000;
    const weight = this.#sampleBytes === 0 ? 1 : 1 - 0.5 ** (passedMs / RATE_HALF_LIFE_MS);
    this.#bytesPerSecond += (rate - this.#bytesPerSecond) * weight;
    this.#sampleMs = nowMs;
    this.#sampleBytes = bytes;
  }
}
