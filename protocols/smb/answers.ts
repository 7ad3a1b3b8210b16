/** What `smbclient` says, as values: lines of a listing, and what it says when a file has passed. */

import { statusIn } from "./status.ts";

/** One name as a listing tells it. */
export interface Found {
  readonly name: string;
  readonly kind: "file" | "directory" | "link";
  readonly size: number;
  /** To the second; the clients of SMB print no more. */
  readonly mtimeMs: number | null;
}

/** One line of a listing. */
export type ListedLine =
  | { readonly type: "found"; readonly found: Found }
  /** The server said no. */
  | { readonly type: "status"; readonly status: string }
  /** Blank lines, and the free space at the end. */
  | { readonly type: "nothing" }
  /** A name that breaks the form, such as one with a line break in it. */
  | { readonly type: "odd"; readonly text: string };

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const TIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;
const TIME_LENGTH = 24;
const SIZE_WIDTH = 8;
const ATTRIBUTES_WIDTH = 7;
const SPACE = /^\t\t\d+ blocks of size \d+\. \d+ blocks available$/;

/**
 * Reads a line of `ls` from its end, where every field has a width of its own: the name in front may be
 * anything, as long as it has no line break.
 */
export function listedLineOf(line: string): ListedLine {
  if (line.trim() === "" || SPACE.test(line)) return { type: "nothing" };
  if (line.startsWith("  ")) {
    const found = foundIn(line);
    if (found !== null) return { type: "found", found };
  }
  // A name is indented by two spaces; what smbclient says is not.
  const status = /^(?:NT_STATUS_|NT code |do_list: |Error in dskattr: )/.test(line)
    ? statusIn(line)
    : null;
  return status === null ? { type: "odd", text: line } : { type: "status", status };
}

function foundIn(line: string): Found | null {
  const mtimeMs = timeOf(line.slice(-TIME_LENGTH));
  const rest = line.slice(0, -TIME_LENGTH);
  if (mtimeMs === null || !rest.endsWith("  ")) return null;
  const sized = /^(.*?)( *\d+)$/su.exec(rest.slice(0, -2));
  if (sized === null) return null;
  const digits = sized[2]!.trimStart();
  const padding = Math.max(0, SIZE_WIDTH - digits.length) + 1;
  const front = rest.slice(0, -2 - digits.length);
  if (!front.endsWith(" ".repeat(padding))) return null;
  const named = front.slice(2, front.length - padding);
  const attributes = named.slice(-ATTRIBUTES_WIDTH);
  const size = Number(digits);
  if (!/^ *[A-Za-z]*$/.test(attributes) || !Number.isSafeInteger(size)) return null;
  const name = named.slice(0, -ATTRIBUTES_WIDTH).trimEnd();
  if (name === "") return null;
  return { name, kind: kindOf(attributes), size, mtimeMs };
}

/** `r`: a reparse point, such as a symbolic link or a junction. */
function kindOf(attributes: string): Found["kind"] {
  if (attributes.includes("r")) return "link";
  return attributes.includes("D") ? "directory" : "file";
}

/** The time that C's `asctime` writes; it is UTC, since smbclient is started so. */
export function timeOf(text: string): number | null {
  const match = TIME.exec(text);
  if (match === null) return null;
  const month = MONTHS.indexOf(match[1]!);
  if (month < 0) return null;
  const [, , day, hour, minute, second, year] = match.map(Number);
  return Date.UTC(year!, month, day!, hour!, minute!, second!);
}

/** The time as `utimes` takes it, `null` where its two digits of a year mean another century. */
export function utimesTextOf(mtimeMs: number): string | null {
  const at = new Date(mtimeMs);
  const year = at.getUTCFullYear();
  if (!(year >= 1970 && year <= 2068)) return null;
  const two = (value: number) => String(value).padStart(2, "0");
  const date = [year % 100, at.getUTCMonth() + 1, at.getUTCDate()].map(two).join(":");
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(":");
  return `${date}-${time}`;
}

/**
 * The size that a file had when it was opened to be read, from what is said after its last byte; `local`
 * is what it was read to, such as `-`.
 */
export function sizeRead(text: string, local = "-"): number | null {
  const match = /^getting file [^]* of size (\d+) as ([^]*?) \([^()]*\) \([^()]*\)\s*$/.exec(text);
  if (match !== null && match[2] !== local) return null;
  return match === null ? null : Number(match[1]);
}

/** Whether a file was sent whole. */
export function isSent(text: string): boolean {
  return statusIn(text) === null &&
    /^putting file [^]* as [^]* \([^()]*\) \([^()]*\)\s*$/.test(text);
}
