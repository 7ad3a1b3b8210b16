/** Pauses between tries to reach a controller. */

/** Doubles from `firstMs` to `mostMs`; `random` in [0, 1) spreads it over the upper half. */
export function pauseMs(tries: number, firstMs: number, mostMs: number, random: number): number {
  const grownMs = Math.min(mostMs, firstMs * 2 ** Math.min(tries, 30));
  return Math.ceil(grownMs * (0.5 + 0.5 * random));
}
