/** Making directories (RFC 4918, 9.3): one MKCOL each, which fails where the name is taken. */

import { shownPath, splitPath } from "../containment.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { DavAccess } from "./access.ts";

const MADE = 201;
/** The name is taken (405), its parent is missing (409). */
const ANSWERS = [MADE, 405, 409];

/** What came of making one directory. */
export type Made = "made" | "taken" | "parentMissing";

/** Makes one directory. */
export async function makeCollection(
  access: DavAccess,
  path: string,
  signal: AbortSignal,
): Promise<Made> {
  const call = { method: "MKCOL", accepts: ANSWERS, signal };
  const { status } = await access.ask(path, call, true);
  return status === MADE ? "made" : status === 405 ? "taken" : "parentMissing";
}

/**
 * Making directories that nobody has: MKCOL fails where the name is taken, but for servers that find that
 * no error (rclone). Which of both a server is, is tried out with the first directory made on it.
 */
export class ExclusiveCollections {
  /** By origin: whether a second MKCOL of the same name is refused. */
  readonly #refuses = new Map<string, boolean>();

  /** As {@link makeCollection}; `taken` for a name that is taken, on every server. */
  async make(access: DavAccess, path: string, signal: AbortSignal): Promise<Made> {
    const { origin } = access.hop(path).url;
    const known = this.#refuses.get(origin);
    if (known === false && await access.stat(path, signal) !== null) return "taken";
    if (known !== undefined) return await makeCollection(access, path, signal);
    if (await access.stat(path, signal) !== null) return "taken";
    const made = await makeCollection(access, path, signal);
    if (made !== "made") return made;
    const again = await makeCollection(access, path, signal);
    const [oldest] = this.#refuses.keys();
    if (this.#refuses.size >= protocolLimits.httpCheckedPlaces) this.#refuses.delete(oldest!);
    this.#refuses.set(origin, again === "taken");
    return made;
  }
}

/** Makes a directory and its missing parents; one that is there is no error. */
export async function makeCollections(
  access: DavAccess,
  path: string,
  signal: AbortSignal,
): Promise<void> {
  const missing = [path];
  while (missing.length > 0) {
    if (missing.length > protocolLimits.davDirectoriesMax) throw tooDeep(access, path);
    const next = missing.at(-1)!;
    const made = next === "/" ? "taken" : await makeCollection(access, next, signal);
    if (made !== "parentMissing") {
      missing.pop();
      continue;
    }
    const { directory } = splitPath(next);
    // A server that misses what it has just made, or its own root, will not be asked for ever.
    if (directory === "/") throw tooDeep(access, path);
    missing.push(directory);
  }
}

function tooDeep(access: DavAccess, path: string): ProtocolError {
  const message =
    `cannot make ${access.at.label}${shownPath(path)}: the server misses directories ` +
    "above it that it does not let us make; make them first";
  return new ProtocolError("notFound", message);
}
