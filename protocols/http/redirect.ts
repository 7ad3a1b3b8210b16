/** Where a redirect may lead and what it may take along. */

import { isLocalHost } from "./addresses.ts";
import type { Hop } from "./endpoint.ts";
import { failure, type Place, placeOf } from "./failure.ts";

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Crosses origins: nobody declares a secret in these. Any other header may be one. */
const HARMLESS_HEADERS: ReadonlySet<string> = new Set([
  "accept",
  "accept-encoding",
  "accept-language",
  "user-agent",
]);

/** Statuses that name another place in `Location`. */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status);
}

/**
 * The hop that `location` names, seen from the last of `trail`. Across origins (scheme, host or
 * port) every header that may be a credential, the login and the client certificate stay behind, for good.
 */
export function nextHop(
  trail: readonly Hop[],
  location: string | undefined,
  method: string,
  redirectsMax: number,
): Hop {
  const from = trail[trail.length - 1]!;
  const place: Place = { method, label: from.label };
  const url = resolved(location, from, place);
  const label = placeOf(url);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw failure(
      "insecure",
      place,
      `redirected to a ${url.protocol} address; only http(s) is followed`,
    );
  }
  if (url.username !== "" || url.password !== "") {
    throw failure(
      "insecure",
      place,
      `redirected to an address with credentials in it; not followed`,
    );
  }
  if (from.url.protocol === "https:" && url.protocol === "http:") {
    throw failure(
      "insecure",
      place,
      `redirected from https to ${label}; not followed: correct the server or declare the final address`,
    );
  }
  if (isLocalHost(url) && !isLocalHost(from.url)) {
    throw failure(
      "insecure",
      place,
      `redirected to ${label}, an address of this machine itself; not followed: declare it if it is meant`,
    );
  }
  if (trail.some((hop) => hop.url.href === url.href)) {
    throw failure("redirectLoop", place, `redirected in a circle to ${label}; correct the server`);
  }
  if (trail.length > redirectsMax) {
    throw failure(
      "redirectLoop",
      place,
      `more than ${redirectsMax} redirects, the next to ${label}; declare the final address`,
    );
  }
  if (url.origin === from.url.origin) return { ...from, url, label };
  return { url, label, headers: harmless(from.headers), tls: withoutIdentity(from), login: null };
}

function resolved(location: string | undefined, from: Hop, place: Place): URL {
  if (location !== undefined && URL.canParse(location, from.url)) {
    const url = new URL(location, from.url);
    url.hash = "";
    return url;
  }
  const what = location === undefined
    ? "without a Location"
    : "with a Location that does not parse";
  throw failure("badResponse", place, `redirected ${what}; correct the server`, {
    retryable: false,
  });
}

function harmless(headers: Hop["headers"]): Hop["headers"] {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => HARMLESS_HEADERS.has(name)));
}

function withoutIdentity(from: Hop): Hop["tls"] {
  const caCerts = from.tls?.caCerts;
  return caCerts === undefined ? null : { caCerts };
}
