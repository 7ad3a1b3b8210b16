/**
 * The order of runs and jobs in lists: the newest first. A place never changes, so a list that was read
 * halfway goes on behind the same place when what stood there has been archived meanwhile.
 */

/** Where something stands; `atMs`: when a run was created, or a job submitted. */
export interface ListPlace {
  readonly atMs: number;
  readonly id: string;
}

/** Something in its place. */
export interface Placed<T> {
  readonly place: ListPlace;
  readonly item: T;
}

/** Some of a list, in order, after where it was asked from: all of it up to `through`; null: to its end. */
export interface Part<T> {
  readonly items: readonly Placed<T>[];
  readonly through: ListPlace | null;
}

/** Whether `a` stands before `b`. Ids are ASCII, so that this is the order of their bytes. */
export function isBefore(a: ListPlace, b: ListPlace): boolean {
  return a.atMs > b.atMs || (a.atMs === b.atMs && a.id < b.id);
}

/** A place as a text, to go on after. */
export function placeText({ atMs, id }: ListPlace): string {
  return `${atMs}:${id}`;
}

/** Reads {@link placeText}; null: it is none. */
export function parsePlace(text: string): ListPlace | null {
  const match = /^(\d{1,16}(?:\.\d{1,16})?):(.+)$/s.exec(text);
  return match === null ? null : { atMs: Number(match[1]), id: match[2]! };
}

/**
 * The `limit` first of several parts. What is in two of them is taken from the one that is named first;
 * nothing is taken from beyond where one of them ends early, as it might have more before that.
 */
export function mergeParts<T>(parts: readonly Part<T>[], limit: number): Part<T> {
  let through: ListPlace | null = null;
  for (const part of parts) {
    const end = part.through;
    if (end !== null && (through === null || isBefore(end, through))) through = end;
  }
  const items: Placed<T>[] = [];
  const at = parts.map(() => 0);
  for (;;) {
    const from = nextPart(parts, at);
    const next = from === null ? undefined : parts[from]!.items[at[from]!];
    if (from === null || next === undefined) return { items, through };
    if (through !== null && isBefore(through, next.place)) return { items, through };
    if (items.length === limit) return { items, through: items.at(-1)?.place ?? through };
    items.push(next);
    passOver(parts, at, next.place);
  }
}

/** The part whose next item comes first; null: none has any. */
function nextPart<T>(parts: readonly Part<T>[], at: readonly number[]): number | null {
  let best: number | null = null;
  let place: ListPlace | null = null;
  for (const [number, { items }] of parts.entries()) {
    const next = items[at[number]!]?.place;
    if (next === undefined || (place !== null && !isBefore(next, place))) continue;
    best = number;
    place = next;
  }
  return best;
}

function passOver<T>(parts: readonly Part<T>[], at: number[], place: ListPlace): void {
  for (const [number, { items }] of parts.entries()) {
    const next = items[at[number]!]?.place;
    if (next !== undefined && !isBefore(place, next)) at[number]! += 1;
  }
}
