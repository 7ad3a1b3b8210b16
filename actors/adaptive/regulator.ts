/**
 * Keeps how much one transfer does at a time: looks at what was moved, each `adaptMs`, and at every
 * refusal at once. Without ways to learn about, it stays as it is declared.
 */

import type { Env, TimerHandle } from "../../runtime/env/env.ts";
import { adapt } from "./adaptation.ts";
import { type Adaptation, begin, why } from "./state.ts";
import type { Ways } from "./ways.ts";
import { atOnceText, reasonText, type Unit } from "./words.ts";

/** How much at a time, as it is shown. */
export interface AtOnce {
  readonly count: number;
  /** As declared. */
  readonly most: number;
  readonly of: Unit;
  /** The whole sentence: `6 files at a time, since throughput rose 12 % from 4 on`. */
  readonly why: string;
}

/** What it looks at, and whom it tells. */
export interface RegulatorOptions {
  readonly env: Pick<Env, "clock" | "timers" | "log">;
  readonly unit: Unit;
  readonly way: string;
  /** As declared. */
  readonly most: number;
  /** `null`: the declared number is the number. */
  readonly ways: Ways | null;
  /** Moved so far. */
  readonly bytes: () => number;
  /** The number alone has held others back, since it was asked last. */
  readonly isFull: () => boolean;
  /** It is another number now, or has another reason; told once when it begins. */
  readonly changed: (atOnce: AtOnce) => void;
}

/** See the head of this file; `close` it. */
export class Regulator {
  readonly unit: Unit;
  readonly #options: RegulatorOptions;
  #state: Adaptation;
  #timer: TimerHandle | null = null;
  #unfollow: () => void = () => {};
  #lookedMs: number;
  #lookedBytes: number;
  #ended = 0;
  #refused = 0;
  #code: string | null = null;
  #changes = 0;

  constructor(options: RegulatorOptions) {
    const { env, unit, way, most, ways } = options;
    this.unit = unit;
    this.#options = options;
    this.#lookedMs = env.clock.monotonic();
    this.#lookedBytes = options.bytes();
    const follows = ways !== null && most > 1;
    this.#state = follows
      ? ways.begin(way, unit, most, this.#lookedMs)
      : { ...begin(most, most), why: why("declared", most) };
    if (follows) {
      this.#unfollow = ways.follow(this);
      this.#next();
    }
    options.changed(this.view);
  }

  /** `false`: it stays as it is declared. */
  get isFollowing(): boolean {
    return this.#timer !== null;
  }

  /** So many at a time. */
  get atOnce(): number {
    return this.#state.atOnce;
  }

  get view(): AtOnce {
    const { atOnce: count, most, why: reason } = this.#state;
    const { unit } = this;
    return { count, most, of: unit, why: atOnceText(count, unit, reasonText(reason)) };
  }

  /** How often it has changed: what begins now says it where it is refused. */
  get changes(): number {
    return this.#changes;
  }

  /** One has ended, well or badly. */
  ended(): void {
    this.#ended += 1;
  }

  /** One that began after so many changes has failed as if there were too many at a time. */
  refused(code: string, begunAfter: number): void {
    // Others of its time may have halved the number already: they have one cause.
    if (!this.isFollowing || begunAfter !== this.#changes) return;
    this.#refused += 1;
    this.#code = code;
    this.#look();
  }

  /** Remembers what was learnt; no look follows. */
  close(): void {
    const { ways, way, env } = this.#options;
    if (this.#timer === null) return;
    this.#timer.cancel();
    this.#timer = null;
    this.#unfollow();
    ways?.keep(way, this.unit, this.#state, env.clock.monotonic());
  }

  #next(): void {
    const { env, ways } = this.#options;
    this.#timer = env.timers.after(ways!.limits.adaptMs, () => {
      this.#look();
      this.#next();
    });
  }

  #look(): void {
    const { env, ways, bytes, isFull } = this.#options;
    const nowMs = env.clock.monotonic();
    const moved = bytes();
    const before = this.#state;
    const seen = {
      ms: nowMs - this.#lookedMs,
      bytes: moved - this.#lookedBytes,
      ended: this.#ended,
      refused: this.#refused,
      code: this.#code,
      isFull: isFull(),
    };
    [this.#lookedMs, this.#lookedBytes, this.#ended, this.#refused] = [nowMs, moved, 0, 0];
    this.#state = adapt(before, seen, ways!.limits);
    if (this.#state.why !== before.why) this.#tell(before);
  }

  #tell(before: Adaptation): void {
    const { env, ways, way, changed } = this.#options;
    const { atOnce } = this.#state;
    if (atOnce !== before.atOnce) {
      this.#changes += 1;
      ways!.changed(before, this.#state);
      const { why: reason } = this.view;
      env.log.write("debug", "another number at a time", { way, from: before.atOnce, why: reason });
    }
    changed(this.view);
  }
}
