/** What a server says that it can do: answers to FEAT (RFC 2389) and SITE HELP. Pure. */

import { isDone, type Reply } from "./replies.ts";

/** What was found out about a server. */
export interface Features {
  /** The names of FEAT in upper case, each with what stands behind it. */
  readonly named: ReadonlyMap<string, string>;
  /** Permissions can be set, by SITE CHMOD. */
  readonly chmod: boolean;
}

/** A server that says nothing of itself. */
export const NO_FEATURES: Features = { named: new Map(), chmod: false };

/** The features of an answer to FEAT; none for a refusal. */
export function featuresOf(reply: Reply): ReadonlyMap<string, string> {
  const named = new Map<string, string>();
  if (!isDone(reply)) return named;
  // The first and the last line are about the list.
  for (const line of reply.lines.slice(1, -1)) {
    const [name = "", ...rest] = line.trim().split(" ");
    if (name !== "") named.set(name.toUpperCase(), rest.join(" ").trim());
  }
  return named;
}

/** Whether an answer to SITE HELP names CHMOD; a star marks what is not implemented. */
export function hasChmod(reply: Reply): boolean {
  return isDone(reply) && reply.lines.some((line) => /\bCHMOD\b(?!\*)/i.test(line));
}

/** Facts of one name are told by MLST, and those of a directory by MLSD (RFC 3659, section 7.8). */
export function hasFacts({ named }: Features): boolean {
  return named.has("MLST");
}

/** Facts that the server can tell, in lower case, with a semicolon behind each. */
const WANTED_FACTS = ["type", "size", "modify", "unique", "unix.mode"];

/** The fact names that a server offers, of those that are used. */
export function offeredFacts({ named }: Features): readonly string[] {
  const offered = (named.get("MLST") ?? "").toLowerCase().replaceAll("*", "").split(";");
  return WANTED_FACTS.filter((fact) => offered.includes(fact));
}

/** Reading and writing can begin in the middle (RFC 3659, section 5). */
export function canRestart({ named }: Features): boolean {
  return named.size === 0 || /^STREAM\b/i.test(named.get("REST") ?? "");
}

/** How the time of a file is set: by MFMT, or by an MDTM that takes one, which nobody announces. */
export function timeCommandOf({ named }: Features): "MFMT" | "MDTM" | null {
  if (named.has("MFMT")) return "MFMT";
  return named.has("MDTM") ? "MDTM" : null;
}

/** The command by which the server tells the SHA-256 of a file, `null` if there is none. */
export function hashCommandOf({ named }: Features): "HASH" | "XSHA256" | null {
  if (/\bSHA-256\b/i.test(named.get("HASH") ?? "")) return "HASH";
  return named.has("XSHA256") ? "XSHA256" : null;
}
