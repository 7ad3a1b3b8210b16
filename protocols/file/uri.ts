/** `file:` URIs. */

import { pathOfUri, uriOfPath } from "../path_uri.ts";

/** The absolute path that a `file:` URI names; `badEndpoint` says what is wrong with it. */
export function pathOfFileUri(uri: string): string {
  return pathOfUri("file", uri);
}

/** The `file:` URI of an absolute path. */
export function fileUriOf(path: string): string {
  return uriOfPath("file", path);
}
