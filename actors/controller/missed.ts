/**
 * Those who could not be told what was committed, as their mailboxes were full. What was lost is not kept:
 * each is told to look at the state as soon as it has room, which says all that the lost ones said.
 */

import type { Delivery } from "../../runtime/actor/ref.ts";
import type { Env } from "../../runtime/env/env.ts";
import { ACTOR_LIMITS } from "../limits.ts";

/** See the head of this file. */
export class Missed {
  readonly #timers: Env["timers"];
  readonly #pauseMs: number;
  /** How each is told, by its name. */
  readonly #late = new Map<string, () => Delivery>();
  #isTimed = false;
  #stopped = false;

  /** Who has no room is told again after `pauseMs`. */
  constructor(
    { timers }: Pick<Env, "timers">,
    pauseMs: number = ACTOR_LIMITS.missedPauseMs.value,
  ) {
    this.#timers = timers;
    this.#pauseMs = pauseMs;
  }

  /** Takes the outcome of a tell; `again` says in one message what makes it good. */
  note(name: string, delivery: Delivery, again: () => Delivery): void {
    if (delivery !== "full") return;
    this.#late.set(name, again);
    this.#later();
  }

  stop(): void {
    this.#stopped = true;
  }

  #later(): void {
    if (this.#isTimed) return;
    this.#isTimed = true;
    this.#timers.after(this.#pauseMs, () => {
      this.#isTimed = false;
      if (this.#stopped) return;
      for (const [name, again] of this.#late) {
        if (again() !== "full") this.#late.delete(name);
      }
      if (this.#late.size > 0) this.#later();
    });
  }
}
