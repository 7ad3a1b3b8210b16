/**
 * Whether two places make a set: the source is a directory (`.../`) or holds a glob (`*`), and the
 * destination is a directory. Decided from the file alone: what an earlier transfer brings cannot turn
 * one file into many.
 */

import { escapedGlob } from "./glob.ts";
import type { Template } from "./plan.ts";

/** The directory that is walked, and what of it is wanted. */
export interface SetPlace {
  /** In the form of the place, ending in `/`. */
  readonly directory: string;
  /** Anchored with `/`; `null`: everything. */
  readonly glob: string | null;
}

/** Whether a place is a directory: its last character is a slash. */
export function isDirectory(text: Template): boolean {
  const last = text.at(-1);
  return typeof last === "string" && last.endsWith("/");
}

/** Whether some declared text of a place holds a `*`. */
export function holdsGlob(form: "uri" | "path", text: Template): boolean {
  return text.some((part) => typeof part === "string" && pathOf(form, part).includes("*"));
}

/** Splits a place before the first segment that holds a `*`; a URI's `%2A` is the character itself. */
export function splitGlob(form: "uri" | "path", text: string): SetPlace {
  const path = pathOf(form, text);
  const star = path.indexOf("*");
  if (star < 0) return { directory: text, glob: null };
  const at = text.length - path.length + path.lastIndexOf("/", star) + 1;
  const directory = text.slice(0, at);
  const glob = text.slice(at);
  return {
    directory: directory === "" ? "./" : directory,
    glob: `/${form === "path" ? glob : decodedGlob(glob)}`,
  };
}

/** A query or fragment belongs to no name. */
function pathOf(form: "uri" | "path", text: string): string {
  if (form === "path") return text;
  const scheme = /^[A-Za-z][A-Za-z0-9+.-]*:(?:\/\/[^/?#]*)?/.exec(text)?.[0] ?? "";
  const path = text.slice(scheme.length);
  return /[?#]/.test(path) ? "" : path;
}

/** Escapes become literal characters, whatever they would mean in a glob. */
function decodedGlob(glob: string): string {
  return glob.replace(/(?:%[0-9A-Fa-f]{2})+/g, (escapes) => {
    try {
      return escapedGlob(decodeURIComponent(escapes));
    } catch {
      return escapes;
    }
  });
}
