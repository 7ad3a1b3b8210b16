/** A deadline on the wheel of the node that calls a function. */

import type { Deadlines } from "../actor/deadlines.ts";
import { WheelEntry } from "../actor/wheel.ts";

/** Set at most once at a time; may be set again when it has gone off or was cancelled. */
export class Alarm extends WheelEntry {
  readonly #deadlines: Deadlines;
  readonly #ring: () => void;

  constructor(deadlines: Deadlines, ring: () => void) {
    super();
    this.#deadlines = deadlines;
    this.#ring = ring;
  }

  /** It will go off. */
  get isSet(): boolean {
    return this.dueTick !== -1;
  }

  /** Goes off `delayMs` from now; an earlier setting is forgotten. */
  set(delayMs: number): void {
    this.#deadlines.cancel(this);
    this.#deadlines.set(this, delayMs);
  }

  /** Idempotent. */
  cancel(): void {
    this.#deadlines.cancel(this);
  }

  /** @inheritdoc */
  override expire(): void {
    this.#ring();
  }
}
