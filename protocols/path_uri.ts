/**
 * URIs that are a scheme and an absolute path (`file:`, `memory:`; RFC 8089), as paths.
 *
 * Parsed here and not with `URL`, which folds `..` and `%2e%2e` away before containment could see them.
 * Spaces, quotes and letters beyond ASCII may stand as they are; `%`, `?` and `#` must be encoded.
 */

import { shownPath } from "./containment.ts";
import { ProtocolError } from "./errors.ts";

function badUri(uri: string, reason: string, advice: string): ProtocolError {
  return new ProtocolError(
    "badEndpoint",
    `cannot read the URI ${shownPath(uri)}: ${reason}; ${advice}`,
  );
}

/** The absolute path that a URI of `scheme` names; `badEndpoint` says what is wrong with it. */
export function pathOfUri(scheme: string, uri: string): string {
  const match = /^([a-z]+):(?:\/\/([^/?#]*))?(\/[^?#]*)?([?#])?/i.exec(uri);
  const [, given, host = "", encoded, extra] = match ?? [];
  if (given?.toLowerCase() !== scheme || encoded === undefined) {
    throw badUri(uri, "it names no absolute path", `write ${scheme}:///directory/name`);
  }
  if (host !== "" && host.toLowerCase() !== "localhost") {
    throw badUri(
      uri,
      "it names another host",
      `write ${scheme}:///directory/name for a local path`,
    );
  }
  if (extra !== undefined) {
    throw badUri(
      uri,
      `a ${scheme} URI has no part after "${extra}"`,
      `write ${extra === "?" ? "%3F" : "%23"} for that character`,
    );
  }
  return decodedPath(uri, encoded);
}

/** The path that percent-encoded segments spell; `badEndpoint` for what no path can hold. */
export function decodedPath(uri: string, encoded: string): string {
  if (/%2f/i.test(encoded)) {
    throw badUri(uri, "%2F would hide a slash in a name", "write / between directories");
  }
  const path = decoded(uri, encoded);
  if (path.includes("\0")) throw badUri(uri, "it contains NUL", "remove %00");
  return path;
}

function decoded(uri: string, encoded: string): string {
  try {
    return decodeURIComponent(encoded);
  } catch (thrown) {
    if (!(thrown instanceof URIError)) throw thrown;
    throw badUri(
      uri,
      "a % is not followed by the code of a character",
      "write %25 for a percent sign",
    );
  }
}

/** The path of a directory as it is joined with names: without slashes at its end. */
export function directoryPath(path: string): string {
  return path.replace(/\/+$/, "") || "/";
}

/** The URI of an absolute path; the inverse of {@link pathOfUri}. */
export function uriOfPath(scheme: string, path: string): string {
  if (!path.startsWith("/") || !path.isWellFormed()) {
    throw new ProtocolError(
      "badEndpoint",
      `cannot make a URI of ${shownPath(path)}: it is not an absolute path of whole characters`,
    );
  }
  return `${scheme}://${path.split("/").map(encodeURIComponent).join("/")}`;
}
