/** The typed error of the simulation itself. */

import { QuorusError } from "../base/errors.ts";

/** The world cannot go on: nothing is left that could settle a promise, or it never rests. */
export class SimError extends QuorusError<"stuck" | "restless"> {
  override readonly name = "SimError";
}
