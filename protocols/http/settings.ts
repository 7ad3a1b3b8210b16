/** What all ends of one HTTP protocol share: the bounds that they work under, and who has logged in. */

import { type LimitValues, limitValues } from "../../runtime/base/limits.ts";
import { PROTOCOL_LIMITS } from "../limits.ts";
import { DigestLogins } from "./login.ts";

/** Plain numbers of {@link PROTOCOL_LIMITS}. */
export type HttpLimits = LimitValues<typeof PROTOCOL_LIMITS>;

/** Shared by all ends of a protocol. */
export interface HttpSettings {
  readonly limits: HttpLimits;
  readonly logins: DigestLogins;
}

/** Settings with the default limits, `overrides` applied, and nobody logged in. */
export function httpSettings(overrides: Partial<HttpLimits> = {}): HttpSettings {
  return { limits: limitValues(PROTOCOL_LIMITS, overrides), logins: new DigestLogins() };
}
