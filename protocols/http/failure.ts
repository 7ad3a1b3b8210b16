/** How every failure of the HTTP source is worded: method, place, reason, what to do; no secrets. */

import type { ErrorFacts } from "../../runtime/base/errors.ts";
import { ProtocolError, type ProtocolErrorCode } from "../errors.ts";

/** What a message may say of a request. */
export interface Place {
  readonly method: string;
  /** Scheme, host and path; see {@link placeOf}. */
  readonly label: string;
}

const PATH_SHOWN_CHARACTERS = 200;

/** A URL as messages show it: no user info, and the query hidden, for it often holds a signature. */
export function placeOf(url: URL): string {
  const path = url.pathname.length > PATH_SHOWN_CHARACTERS
    ? `${url.pathname.slice(0, PATH_SHOWN_CHARACTERS)}...`
    : url.pathname;
  return `${url.protocol}//${url.host}${path}${url.search === "" ? "" : " (query hidden)"}`;
}

/** A typed error about one request. */
export function failure(
  code: ProtocolErrorCode,
  place: Place,
  reason: string,
  facts: ErrorFacts = {},
): ProtocolError {
  return new ProtocolError(code, `${place.method} ${place.label}: ${reason}`, facts);
}
