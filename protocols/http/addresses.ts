/** Which hosts are this machine itself: nobody from outside may send us there. */

import { hostOf, scopeOfHost } from "../addresses.ts";

/**
 * Whether the host of a URL is loopback, link-local, unspecified or a metadata service by its spelling;
 * names are not resolved here: who connects judges the addresses (reach.ts).
 */
export function isLocalHost(url: URL): boolean {
  const host = hostOf(url.hostname);
  const scope = host === null ? null : scopeOfHost(host);
  return scope === "loopback" || scope === "linkLocal" || scope === "metadata";
}
