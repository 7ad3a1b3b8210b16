/** The typed error of hash lanes. */

import { QuorusError } from "../base/errors.ts";

/** A lane that was given up (`aborted`) or whose worker died (`worker`). */
export class HashError extends QuorusError<"aborted" | "worker"> {
  override readonly name = "HashError";
}
