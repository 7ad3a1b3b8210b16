/**
 * What has happened, kept for those who ask: a ring of what commands have brought about, by the place of
 * their commands, which is the same on every controller; and whose progress has changed since.
 */

import type { Effect } from "../controller/applied.ts";
import type { News } from "../controller/outbox.ts";

/** Stands behind whatever a command has brought about. */
const ALL_PARTS = 999_999_999;

/** One thing that a command has brought about. */
export interface Happened {
  readonly index: number;
  /** Its number among those of its command. */
  readonly part: number;
  readonly atMs: number;
  readonly effect: Effect;
}

/** What has happened after a place; `missed`: some of it is not kept any more. */
export interface Since {
  readonly happened: readonly Happened[];
  readonly missed: boolean;
}

/** The id of an event. */
export function eventId({ index, part }: Pick<Happened, "index" | "part">): string {
  return `${index}.${part}`;
}

/** Reads an id; `null` if it is none. */
export function parseEventId(id: string): { index: number; part: number } | null {
  const match = /^(\d{1,15})\.(\d{1,16})$/.exec(id);
  return match === null ? null : { index: Number(match[1]), part: Number(match[2]) };
}

/** See the head of this file. */
export class EventRing {
  readonly #most: number;
  #kept: Happened[] = [];
  /** Everything up to here is forgotten, or was never told here. */
  #forgotten: { index: number; part: number };
  readonly #waiters = new Set<() => void>();

  /** Keeps `most` events after the place `index`. */
  constructor(most: number, index: number) {
    this.#most = most;
    this.#forgotten = { index, part: ALL_PARTS };
  }

  /** The place of the last event. */
  get last(): { index: number; part: number } {
    return this.#kept[this.#kept.length - 1] ?? this.#forgotten;
  }

  /** Takes what has happened to the state of this member. */
  take(news: readonly News[]): void {
    for (const one of news) {
      if (one.type === "restored") {
        this.#kept = [];
        this.#forgotten = { index: one.index, part: ALL_PARTS };
        continue;
      }
      one.effects.forEach((effect, part) =>
        this.#kept.push({ index: one.index, part, atMs: one.atMs, effect })
      );
    }
    // In large steps: cutting the front off an array costs its length.
    if (this.#kept.length > 2 * this.#most) {
      const cut = this.#kept.length - this.#most;
      this.#forgotten = this.#kept[cut - 1]!;
      this.#kept = this.#kept.slice(cut);
    }
    this.wake();
  }

  /** At most `limit` events after a place. */
  since(after: { index: number; part: number }, limit: number): Since {
    const missed = isBefore(after, this.#forgotten);
    const from = missed ? 0 : this.#placeAfter(after);
    return { happened: this.#kept.slice(from, from + limit), missed };
  }

  /** Resolves when something may have happened, or the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiters.add(resolve);
    signal.addEventListener("abort", () => resolve(), { once: true });
    return promise.finally(() => this.#waiters.delete(resolve));
  }

  /** Lets everybody look who waits. */
  wake(): void {
    for (const resolve of this.#waiters) resolve();
  }

  #placeAfter(after: { index: number; part: number }): number {
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (isBefore(after, this.#kept[middle]!)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}

function isBefore(
  a: { readonly index: number; readonly part: number },
  b: { readonly index: number; readonly part: number },
): boolean {
  return a.index < b.index || (a.index === b.index && a.part < b.part);
}
