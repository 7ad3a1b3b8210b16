/** What tenants have moved lately: bytes that count half after each half-life. */

interface Amount {
  readonly bytes: number;
  readonly atMs: number;
}

/** Bytes by tenant, fading. */
export class Usage {
  readonly #halfLifeMs: number;
  readonly #amounts = new Map<string, Amount>();

  constructor(halfLifeMs: number) {
    this.#halfLifeMs = halfLifeMs;
  }

  /** A transfer has ended at `atMs`; told in any order. */
  add(tenant: string, bytes: number, atMs: number): void {
    const known = this.#amounts.get(tenant) ?? { bytes: 0, atMs };
    const latestMs = Math.max(known.atMs, atMs);
    const sum = this.#faded(known, latestMs) + this.#faded({ bytes, atMs }, latestMs);
    this.#amounts.set(tenant, { bytes: sum, atMs: latestMs });
  }

  /** Bytes of each tenant as they count now; those that count for nothing any more are forgotten. */
  at(nowMs: number): ReadonlyMap<string, number> {
    const found = new Map<string, number>();
    for (const [tenant, amount] of this.#amounts) {
      const bytes = this.#faded(amount, nowMs);
      if (bytes < 1) this.#amounts.delete(tenant);
      else found.set(tenant, bytes);
    }
    return found;
  }

  #faded({ bytes, atMs }: Amount, nowMs: number): number {
    return bytes * 2 ** (Math.min(0, atMs - nowMs) / this.#halfLifeMs);
  }
}
