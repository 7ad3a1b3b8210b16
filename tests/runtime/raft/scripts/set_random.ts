/** Chance as a script sets it. */

import { SeededRandom } from "../../../../runtime/sim/random.ts";

/** Draws the same number until another one is set. */
export class SetRandom extends SeededRandom {
  draw = 0;

  constructor() {
    super(0, "script");
  }

  override next(): number {
    return this.draw;
  }
}
