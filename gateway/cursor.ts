/** Cursors of lists: opaque to clients, bound to the list and filters that they were made for. */

import type { Hashing } from "../runtime/env/env.ts";
import { sha256Of } from "./keys.ts";
import { Problem } from "./problem.ts";

/** Those of earlier versions name other places. */
const VERSION = 2;
const DIGEST_CHARACTERS = 16;

/** The cursor behind the last item of a page; `filters` are those of the request. */
export function cursorText(hash: Hashing, filters: unknown, after: string): string {
  const text = JSON.stringify([VERSION, digestOf(hash, filters), after]);
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/**
 * Where a page begins. Problem `malformedRequest` for what no list of ours has given, or another one.
 * There is nothing to gain from forging one: the controllers check what may be seen all the same.
 */
export function cursorAfter(hash: Hashing, filters: unknown, cursor: string): string {
  const read = decoded(cursor);
  if (read === null) throw refused("it was not made here");
  if (read[1] !== digestOf(hash, filters)) {
    throw refused("it belongs to a list with other filters; begin again without a cursor");
  }
  return read[2];
}

function decoded(cursor: string): readonly [number, string, string] | null {
  try {
    const bytes = atob(cursor.replaceAll("-", "+").replaceAll("_", "/"));
    const text = new TextDecoder("utf-8", { fatal: true })
      .decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
    const value: unknown = JSON.parse(text);
    if (!Array.isArray(value) || value.length !== 3 || value[0] !== VERSION) return null;
    const [version, digest, after] = value as unknown[];
    if (typeof digest !== "string" || typeof after !== "string") return null;
    return [version as number, digest, after];
  } catch {
    return null;
  }
}

function digestOf(hash: Hashing, filters: unknown): string {
  return sha256Of(hash, JSON.stringify(filters)).slice(0, DIGEST_CHARACTERS);
}

function refused(reason: string): Problem {
  return new Problem("malformedRequest", `cannot use the cursor: ${reason}`, {
    errors: [{ detail: reason, parameter: "cursor" }],
  });
}
