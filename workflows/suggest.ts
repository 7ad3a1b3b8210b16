/** "Did you mean": the nearest known word. */

/** The Damerau distance of two words, or `most + 1` where it is larger than `most`. */
export function editDistance(from: string, to: string, most: number): number {
  if (Math.abs(from.length - to.length) > most) return most + 1;
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const same = from[row - 1] === to[column - 1];
      let cost = Math.min(
        last[column]! + 1,
        current[column - 1]! + 1,
        last[column - 1]! + (same ? 0 : 1),
      );
      const swapped = row > 1 && column > 1 && from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, beforeLast[column - 2]! + 1);
      current.push(cost);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length]!;
}

/** The word of `known` that was probably meant by `word`, or `null`; at most a third may differ. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const most = Math.max(1, Math.floor(word.length / 3));
  let best: string | null = null;
  let bestDistance = most + 1;
  const lower = word.toLowerCase();
  for (const candidate of known) {
    const distance = editDistance(lower, candidate.toLowerCase(), most);
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best ?? sameBeginning(lower, known);
}

/** `retries` is three letters away from `retry`, and yet nobody doubts what was meant. */
function sameBeginning(word: string, known: Iterable<string>): string | null {
  for (const candidate of known) {
    const shorter = Math.min(word.length, candidate.length);
    const length = Math.max(4, Math.ceil(shorter * 0.75));
    if (shorter >= 4 && candidate.toLowerCase().startsWith(word.slice(0, length))) return candidate;
  }
  return null;
}

/** `did you mean "x"?`, or nothing. */
export function didYouMean(word: string, known: Iterable<string>): string | undefined {
  const found = nearest(word, known);
  return found === null ? undefined : `did you mean "${found}"?`;
}
