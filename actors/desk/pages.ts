/** Pages of a list in the order of its keys, without sorting all of it. */

/** One page, and the key to go on after; `null` if nothing is left. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** What is looked for among entries, and in which order. */
export interface Selection<E, P> {
  readonly placeOf: (entry: E) => P;
  readonly isBefore: (a: P, b: P) => boolean;
  readonly isWanted: (entry: E) => boolean;
  /** Behind which place; null: from the first on. */
  readonly after: P | null;
  readonly limit: number;
}

/** An entry that was chosen. */
export interface Chosen<E, P> {
  readonly entry: E;
  readonly place: P;
}

/** The first `limit` in order, and whether there are more. One pass, and memory for one page. */
export function firstOf<E, P>(
  entries: Iterable<E>,
  { placeOf, isBefore, isWanted, after, limit }: Selection<E, P>,
): { readonly chosen: readonly Chosen<E, P>[]; readonly isMore: boolean } {
  // In order; one more than the page, to know whether there is a next one.
  const best: Chosen<E, P>[] = [];
  for (const entry of entries) {
    const place = placeOf(entry);
    if (after !== null && !isBefore(after, place)) continue;
    if (best.length > limit && !isBefore(place, best[limit]!.place)) continue;
    if (!isWanted(entry)) continue;
    best.splice(rankOf(best, place, isBefore), 0, { entry, place });
    if (best.length > limit + 1) best.pop();
  }
  return { chosen: best.slice(0, limit), isMore: best.length > limit };
}

/** The `limit` items with the lowest keys after `after` that `wanted` lets through. */
export function pageOf<T>(
  entries: Iterable<readonly [string, T]>,
  wanted: (item: T) => boolean,
  after: string | null,
  limit: number,
): Page<T> {
  const { chosen, isMore } = firstOf(entries, {
    placeOf: ([key]) => key,
    isBefore: (a, b) => a < b,
    isWanted: ([, item]) => wanted(item),
    after,
    limit,
  });
  const items = chosen.map(({ entry: [, item] }) => item);
  return { items, next: isMore ? chosen.at(-1)!.place : null };
}

function rankOf<E, P>(
  sorted: readonly Chosen<E, P>[],
  place: P,
  isBefore: (a: P, b: P) => boolean,
): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(sorted[middle]!.place, place)) low = middle + 1;
    else high = middle;
  }
  return low;
}
