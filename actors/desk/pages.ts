/** Pages of a list in the order of its keys, without sorting all of it. */

/** One page, and the key to go on after; `null` if nothing is left. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/**
 * The `limit` items with the lowest keys after `after` that `wanted` lets through. One pass, and memory
 * for one page.
 */
export function pageOf<T>(
  entries: Iterable<readonly [string, T]>,
  wanted: (item: T) => boolean,
  after: string | null,
  limit: number,
): Page<T> {
  // Ascending; one more than the page, to know whether there is a next one.
  const best: (readonly [string, T])[] = [];
  for (const entry of entries) {
    const [key, item] = entry;
    if (after !== null && key <= after) continue;
    if (best.length > limit && key >= best[limit]![0]) continue;
    if (!wanted(item)) continue;
    best.splice(placeOf(best, key), 0, entry);
    if (best.length > limit + 1) best.pop();
  }
  const page = best.slice(0, limit);
  const isMore = best.length > limit;
  return { items: page.map(([, item]) => item), next: isMore ? page[page.length - 1]![0] : null };
}

function placeOf<T>(sorted: readonly (readonly [string, T])[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sorted[middle]![0] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
