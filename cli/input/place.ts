/** Places as people type them: URIs, paths, directories with a slash at the end. */

import { CliError } from "../exit.ts";

/** Whether it names a scheme; a path with a colon is written `./a:b`. */
export function isUri(place: string): boolean {
  return /^[A-Za-z][A-Za-z0-9+.-]+:/.test(place);
}

/** The last name of a path or of a URI's path, decoded; CliError where there is none that is safe. */
export function lastName(place: string): string {
  const path = isUri(place)
    ? place.replace(/^[^:]*:(\/\/[^/?#]*)?/, "").replace(/[?#].*$/s, "")
    : place;
  const encoded = path.slice(path.lastIndexOf("/") + 1);
  const name = isUri(place) ? decoded(encoded) : encoded;
  const isSafe = name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
  if (isSafe) return name;
  throw new CliError(
    "usage",
    `cannot tell what the copy of ${place} is to be called; write the whole destination`,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
