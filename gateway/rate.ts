/** How fast each client may go: one token bucket each, the one seen longest ago forgotten first. */

import type { Clock } from "../runtime/env/env.ts";

interface Bucket {
  tokens: number;
  atMs: number;
}

/** Buckets by name. */
export class RateLimits {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #most: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `perSecond` on average, twice as many at once, for at most `most` names. */
  constructor(clock: Pick<Clock, "monotonic">, perSecond: number, most: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = 2 * perSecond;
    this.#most = most;
  }

  /** Takes one token: 0, or how long to wait for one in ms. */
  take(name: string): number {
    const bucket = this.#bucket(name);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - bucket.tokens) * 1_000 / this.#perSecond);
  }

  /** How long to wait for a token in ms; takes none. */
  wait(name: string): number {
    if (!this.#buckets.has(name)) return 0;
    const { tokens } = this.#bucket(name);
    return tokens >= 1 ? 0 : Math.ceil((1 - tokens) * 1_000 / this.#perSecond);
  }

  #bucket(name: string): Bucket {
    const nowMs = this.#clock.monotonic();
    const known = this.#buckets.get(name);
    if (known !== undefined) {
      const gained = (nowMs - known.atMs) * this.#perSecond / 1_000;
      known.tokens = Math.min(this.#burst, known.tokens + gained);
      known.atMs = nowMs;
      return known;
    }
    if (this.#buckets.size >= this.#most) this.#forgetOldest();
    const bucket = { tokens: this.#burst, atMs: nowMs };
    this.#buckets.set(name, bucket);
    return bucket;
  }

  #forgetOldest(): void {
    let oldest: string | null = null;
    let atMs = Infinity;
    for (const [name, bucket] of this.#buckets) {
      if (bucket.atMs >= atMs) continue;
      oldest = name;
      atMs = bucket.atMs;
    }
    if (oldest !== null) this.#buckets.delete(oldest);
  }
}
