/** Which controller is asked next: those that did not answer come last for a while. */

import type { Clock } from "../runtime/env/env.ts";

/** The controllers of one door. */
export class Controllers {
  readonly #ids: () => readonly string[];
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #avoidMs: number;
  /** Until when each is asked last. */
  readonly #avoided = new Map<string, number>();
  #turn = 0;
  #preferred: string | null = null;

  constructor(
    ids: () => readonly string[],
    clock: Pick<Clock, "monotonic">,
    avoidMs: number,
  ) {
    this.#ids = ids;
    this.#clock = clock;
    this.#avoidMs = avoidMs;
  }

  /** All of them. */
  all(): readonly string[] {
    return this.#ids();
  }

  /** One to ask; `sticky`: the one that worked last, if it still does. `null` where there is none. */
  choose(sticky: boolean): string | null {
    const ids = this.#ids();
    if (ids.length === 0) return null;
    this.#forgetOthers(ids);
    const isUp = (id: string) => (this.#avoided.get(id) ?? -Infinity) <= this.#clock.monotonic();
    const preferred = this.#preferred;
    if (sticky && preferred !== null && ids.includes(preferred) && isUp(preferred)) {
      return preferred;
    }
    for (let tried = 0; tried < ids.length; tried += 1) {
      const id = this.#next(ids);
      if (isUp(id)) return id;
    }
    // All have failed: the one that failed longest ago is the likeliest to be back.
    return ids.reduce((best, id) => this.#avoided.get(id)! < this.#avoided.get(best)! ? id : best);
  }

  /** It has answered. */
  worked(id: string): void {
    this.#avoided.delete(id);
    this.#preferred ??= id;
  }

  /** It has not, or has said that it cannot. */
  failed(id: string): void {
    this.#avoided.set(id, this.#clock.monotonic() + this.#avoidMs);
    if (this.#preferred === id) this.#preferred = null;
  }

  #next(ids: readonly string[]): string {
    this.#turn = (this.#turn + 1) % ids.length;
    return ids[this.#turn]!;
  }

  #forgetOthers(ids: readonly string[]): void {
    for (const id of this.#avoided.keys()) if (!ids.includes(id)) this.#avoided.delete(id);
  }
}
