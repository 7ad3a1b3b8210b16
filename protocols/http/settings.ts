/** The bounds that one HTTP source works under. */

import { type LimitValues, limitValues } from "../../runtime/base/limits.ts";
import { PROTOCOL_LIMITS } from "../limits.ts";

/** Plain numbers of {@link PROTOCOL_LIMITS}. */
export type HttpLimits = LimitValues<typeof PROTOCOL_LIMITS>;

/** The defaults with `overrides` applied. */
export function httpLimits(overrides: Partial<HttpLimits> = {}): HttpLimits {
  return limitValues(PROTOCOL_LIMITS, overrides);
}
