/**
 * URIs of a path on a host (`sftp:`, `ftp:`, `smb:`; RFC 3986): user, host, port and path.
 *
 * Parsed here and not with `URL`, which folds `..` and `%2e%2e` away before containment could see them.
 */

import { shownPath } from "./containment.ts";
import { ProtocolError } from "./errors.ts";
import { decodedPath } from "./path_uri.ts";

/** A path on a host. */
export interface NetworkPlace {
  /** `null` where the URI names none. */
  readonly user: string | null;
  /** Lower case; an IPv6 address without its brackets. */
  readonly host: string;
  /** `null` for the protocol's own. */
  readonly port: number | null;
  /** Decoded, from `/` on. */
  readonly path: string;
}

const FORM =
  /^([a-z][a-z0-9+.-]*):\/\/(?:([^@/?#]*)@)?(\[[0-9a-f:.%]+\]|[^:/?#@[\]]*)(?::(\d*))?(\/[^?#]*)?([?#])?/i;

/** The place that a URI of one of `schemes` names; `badEndpoint` says what is wrong with it. */
export function networkPlaceOf(schemes: readonly string[], uri: string): NetworkPlace {
  const match = FORM.exec(uri);
  const scheme = match?.[1]?.toLowerCase();
  const shown = shownUri(uri);
  if (match === null || scheme === undefined || !schemes.includes(scheme)) {
    throw badUri(shown, `it is not of the form ${schemes[0]}://HOST/PATH`);
  }
  const [, , userInfo, host = "", port = "", encoded, extra] = match;
  if (userInfo?.includes(":")) {
    throw badUri(shown, 'it holds a password, which would end up in logs; declare it as "auth"');
  }
  if (host === "") throw badUri(shown, "it names no host");
  if (extra !== undefined) {
    const code = extra === "?" ? "%3F" : "%23";
    throw badUri(shown, `nothing may follow "${extra}"; write ${code} for that character`);
  }
  if (encoded === undefined) throw badUri(shown, "it names no path; write one after the host");
  const number = port === "" ? null : Number(port);
  if (number !== null && (number < 1 || number > 65_535)) throw badUri(shown, "the port is none");
  return {
    user: userInfo === undefined || userInfo === "" ? null : decodedPath(shown, userInfo),
    host: host.replace(/^\[|\]$/g, "").toLowerCase(),
    port: number,
    path: decodedPath(shown, encoded),
  };
}

/** The URI of another path on the same host. */
export function uriOnHost(scheme: string, place: Omit<NetworkPlace, "path">, path: string): string {
  const user = place.user === null ? "" : `${encodeURIComponent(place.user)}@`;
  const port = place.port === null ? "" : `:${place.port}`;
  return `${scheme}://${user}${shownHost(place.host)}${port}${
    path.split("/").map(encodeURIComponent).join("/")
  }`;
}

/** `host:port` as people write it. */
export function shownHost(host: string, port: number | null = null): string {
  const name = host.includes(":") ? `[${host}]` : host;
  return port === null ? name : `${name}:${port}`;
}

/** Without what could be a password. */
function shownUri(uri: string): string {
  return shownPath(uri.replace(/^([^/]*:\/\/)[^@/?#]*:[^@/?#]*@/, "$1"));
}

function badUri(shown: string, reason: string): ProtocolError {
  return new ProtocolError("badEndpoint", `cannot read the URI ${shown}: ${reason}`);
}
