/** One thing of a cluster in full, for people: names and values, nested ones set in; pure. */

import type { Paint } from "../show/text.ts";
import { clean, pad, widthOf } from "../show/text.ts";

const INDENT = "  ";

/** The lines of a value: scalars in one column, then what is nested. */
export function detailLines(value: Readonly<Record<string, unknown>>, colours: Paint): string[] {
  const entries = Object.entries(value).filter(([name]) => name !== "freshness");
  const flat = entries.filter(([, one]) => isFlat(one));
  const width = Math.max(0, ...flat.map(([name]) => widthOf(label(name))));
  const lines = flat.map(([name, one]) => `${pad(label(name), width)}  ${text(name, one)}`);
  for (const [name, one] of entries) {
    if (isFlat(one)) continue;
    lines.push(colours.bold(label(name)), ...nested(one, colours).map((line) => INDENT + line));
  }
  return lines;
}

function nested(value: unknown, colours: Paint): string[] {
  if (typeof value === "string") return value.trimEnd().split("\n").map(clean);
  if (!Array.isArray(value)) return detailLines(value as Record<string, unknown>, colours);
  return value.flatMap((item) => {
    if (isFlat(item)) return [`- ${text("", item)}`];
    return nested(item, colours).map((line, at) => `${at === 0 ? "- " : INDENT}${line}`);
  });
}

function isFlat(value: unknown): boolean {
  if (typeof value === "string") return !value.trimEnd().includes("\n");
  if (typeof value !== "object" || value === null) return true;
  const items = Object.values(value);
  return items.length === 0 ||
    (Array.isArray(value) && items.every((one) => typeof one !== "object" && isFlat(one)));
}

function text(name: string, value: unknown): string {
  if (value === null || value === undefined) return "-";
  if (typeof value === "number" && /(^|[a-z])(At)?Ms$/.test(name) && value > 1e12) {
    return new Date(value).toISOString();
  }
  if (Array.isArray(value)) return value.length === 0 ? "-" : clean(value.join(", "));
  return typeof value === "object" ? "-" : clean(String(value));
}

/** `submittedMs` as `submitted`: moments are shown as such. */
function label(name: string): string {
  return clean(
    name.replace(/(created|changed|submitted|started|ended|registered|timestamp)Ms$/, "$1"),
  );
}
