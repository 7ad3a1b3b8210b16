/** The shared part of a group under each of its transfers: the transfer's own words win. */

import type { Defaults } from "./definition.ts";
import type { DeclaredTransfer } from "./schema.ts";

/** A transfer with the group's defaults filled in, map by map; lists are taken whole. */
export function withDefaults(defaults: Defaults, body: DeclaredTransfer): DeclaredTransfer {
  if (Object.keys(defaults).length === 0) return body;
  return merge(defaults, body) as DeclaredTransfer;
}

/** Alternatives of which the more specific one must win whole: parts of both would contradict. */
const WHOLE: ReadonlySet<string> = new Set([
  "authentication",
  "auth",
  "expectedSize",
  "checksum",
  "stable",
  "onlyNew",
  "after",
]);

function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isMap(under) || !isMap(over)) return over;
  const merged: Record<string, unknown> = { ...under };
  // A default may say `auth` and a transfer `authentication`: they are one thing.
  if ("auth" in over) delete merged.authentication;
  if ("authentication" in over) delete merged.auth;
  for (const [key, value] of Object.entries(over)) {
    merged[key] = WHOLE.has(key) ? value ?? under[key] : merge(under[key], value);
  }
  return merged;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
