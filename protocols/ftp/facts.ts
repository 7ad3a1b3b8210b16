/** What a server tells of a file, in the contract's words. Pure. */

import type { DestinationFacts, Fingerprint } from "../contract.ts";
import { shownPath } from "../containment.ts";
import type { EntryKind } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { timeOf } from "./times.ts";

/** What stands at a name; `null` where the server does not tell. */
export interface Seen {
  readonly kind: EntryKind;
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** Another file has another one (RFC 3659, section 7.5.2): device and inode on most servers. */
  readonly unique: string | null;
  readonly mode: number | null;
}

const PERMISSION_BITS = 0o777;

/** A line of MLSD or MLST: facts, a space, the name; `null` for what is none. */
export function seenOfFacts(line: string): { readonly name: string; readonly seen: Seen } | null {
  const space = line.indexOf(" ");
  if (space < 0) return null;
  const facts = new Map<string, string>();
  for (const fact of line.slice(0, space).split(";")) {
    const equals = fact.indexOf("=");
    if (equals > 0) facts.set(fact.slice(0, equals).toLowerCase(), fact.slice(equals + 1));
  }
  const type = (facts.get("type") ?? "").toLowerCase();
  // The directory itself and the one above it.
  if (type === "cdir" || type === "pdir") return null;
  return {
    name: line.slice(space + 1),
    seen: {
      kind: kindOf(type),
      size: sizeOf(facts.get("size")),
      mtimeMs: timeOf(facts.get("modify") ?? ""),
      unique: facts.get("unique") ?? null,
      mode: modeOf(facts.get("unix.mode")),
    },
  };
}

/** pyftpdlib writes octal numbers as Python does. */
function modeOf(text: string | undefined): number | null {
  const digits = /^(?:0o)?([0-7]{1,6})$/.exec(text ?? "")?.[1];
  return digits === undefined ? null : Number.parseInt(digits, 8) & PERMISSION_BITS;
}

function kindOf(type: string): EntryKind {
  if (type === "file") return "file";
  if (type === "dir") return "directory";
  return /^os\.unix=(slink|symlink)/.test(type) ? "link" : "other";
}

/** A size that can be counted with; `null` for anything else. */
export function sizeOf(text: string | undefined): number | null {
  if (text === undefined || !/^\d{1,16}$/.test(text)) return null;
  const size = Number(text);
  return Number.isSafeInteger(size) ? size : null;
}

/** Size and time, and which file it is where the server has a word for that. */
export function fingerprintOf({ size, mtimeMs, unique }: Seen): Fingerprint {
  return { size, mtimeMs, etag: null, version: unique };
}

/** What is known of a published file. */
export function destinationFactsOf({ size, mtimeMs }: Seen): DestinationFacts {
  return { size: size ?? 0, mtimeMs, fileId: null };
}

/** `nameRefused` for what is no file. */
export function assertFile(label: string, path: string, { kind }: Seen): void {
  if (kind === "file") return;
  const message = `cannot use ${label}${shownPath(path)}: it is a ${kind}, not a file`;
  throw new ProtocolError("nameRefused", message);
}
