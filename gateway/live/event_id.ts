/** Ids of events: the index of a command and a number within it, the same on every controller. */

/** Numbers from the most significant on. */
export type EventPosition = readonly number[];

/** Longest id that is read; two numbers of 16 digits fit twice. */
const MOST_CHARACTERS = 64;

/** The position that an id means; `null` where it is none. */
export function positionOf(id: string): EventPosition | null {
  if (id.length > MOST_CHARACTERS || !/^\d{1,16}([.:-]\d{1,16})*$/.test(id)) return null;
  return id.split(/[.:-]/).map(Number);
}

/** Below 0 where `a` comes before `b`, 0 where they are the same. */
export function comparePositions(a: EventPosition, b: EventPosition): number {
  const length = Math.max(a.length, b.length);
  for (let at = 0; at < length; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
