/** Checking a declared WebDAV endpoint: where it is in HTTP, and how far its server goes. */

import { safeName } from "../containment.ts";
import type { Endpoint } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { type NetworkPlace, networkPlaceOf, shownHost } from "../network_uri.ts";

/** The schemes of WebDAV URIs; `davs` is over TLS. */
export const DAV_SCHEMES = ["dav", "davs"] as const;

/** The options of WebDAV endpoints, each with what it says. */
export const DAV_OPTIONS = {
  partial: "none (the default), range (PUT with Content-Range: Apache) or patch (SabreDAV): " +
    "how a server goes on with a file of which it has the beginning",
} as const;

/** How the rest of a file is sent to a server that has its beginning. */
export type Partial = "none" | "range" | "patch";

/** A place on a WebDAV server. */
export interface DavPlace {
  readonly scheme: typeof DAV_SCHEMES[number];
  readonly place: NetworkPlace;
  /** For messages: `davs://host:port`. */
  readonly label: string;
  readonly partial: Partial;
  /** The same place as an endpoint of HTTP, without the options of this protocol. */
  readonly http: Endpoint;
}

/** The place of an endpoint; `badEndpoint` says what is wrong with it and never shows a secret. */
export function davPlaceOf(endpoint: Endpoint): DavPlace {
  const place = networkPlaceOf(DAV_SCHEMES, endpoint.uri);
  // In HTTP they would be folded away before a server could see them.
  for (const segment of place.path.split("/")) if (segment !== "") safeName(segment);
  const scheme = /^davs:/i.test(endpoint.uri) ? "davs" : "dav";
  const label = `${scheme}://${shownHost(place.host, place.port)}`;
  const refuse = (reason: string) =>
    new ProtocolError("badEndpoint", `cannot use ${label}: ${reason}`);
  if (place.user !== null) {
    throw refuse(`a user in the URI asks for nothing; declare it under "auth"`);
  }
  for (const name of Object.keys(endpoint.options)) {
    if (Object.hasOwn(DAV_OPTIONS, name)) continue;
    throw refuse(`there is no option "${name}"; there is ${Object.keys(DAV_OPTIONS).join(", ")}`);
  }
  const partial = String(endpoint.options.partial ?? "none");
  if (partial !== "none" && partial !== "range" && partial !== "patch") {
    throw refuse(`option partial is "${partial}"; it can be none, range or patch`);
  }
  const http = { ...endpoint, uri: httpUriOf(scheme, place, place.path), options: {} };
  return { scheme, place, label, partial, http };
}

/** The same path in HTTP; every odd character is encoded. */
export function httpUriOf(scheme: DavPlace["scheme"], place: NetworkPlace, path: string): string {
  const host = shownHost(place.host, place.port);
  return `${scheme === "davs" ? "https" : "http"}://${host}${encodedPath(path)}`;
}

/** A decoded path as it stands in a request. */
export function encodedPath(path: string): string {
  return path.split("/").map(encodeURIComponent).join("/");
}

/** Whether two URIs name files of one server. */
export function isSameServer(
  one: Pick<DavPlace, "scheme" | "place">,
  other: Pick<DavPlace, "scheme" | "place">,
): boolean {
  const portOf = ({ scheme, place }: typeof one) => place.port ?? (scheme === "davs" ? 443 : 80);
  return one.scheme === other.scheme && one.place.host === other.place.host &&
    portOf(one) === portOf(other);
}
