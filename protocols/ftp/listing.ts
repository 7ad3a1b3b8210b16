/** Listings, line by line and page by page: MLSD (RFC 3659), or LIST in the forms of Unix and DOS. */

import { isSafeName, shownPath } from "../containment.ts";
import type { Entry, EntryPage } from "../directory.ts";
import { ProtocolError } from "../errors.ts";
import { UNKNOWN_FINGERPRINT } from "../fingerprint.ts";
import { protocolLimits } from "../limits.ts";
import { fingerprintOf, type Seen, seenOfFacts } from "./facts.ts";
import type { ParseList } from "./library.ts";

/** What a line names; `null` for one that names nothing, `refused` for one that cannot be read. */
export type ReadLine = (
  line: string,
) => { readonly name: string; readonly seen: Seen } | null | "refused";

/** Lines of MLSD. */
export const readFactsLine: ReadLine = (line) => line.includes(" ") ? seenOfFacts(line) : "refused";

const UNIX_LINE = /^[\s\d]*([bcdelfmpSs-])[rwxsStTL-]{8,9}/;
const DOS_LINE = /^\d{2}/;

/** Lines of LIST; the library tells what stands in them, and times are not told by them reliably. */
export function readListLine(parse: ParseList): ReadLine {
  return (line) => {
    if (/^total\b/i.test(line)) return null;
    const type = UNIX_LINE.exec(line)?.[1];
    if (type === undefined && !DOS_LINE.test(line)) return "refused";
    const entry = parsed(parse, line);
    if (entry === "refused" || entry === null) return entry;
    const { permissions } = entry;
    return {
      name: entry.name,
      seen: {
        kind: kindOf(entry, type),
        size: Number.isSafeInteger(entry.size) ? entry.size : null,
        mtimeMs: null,
        unique: null,
        mode: permissions === undefined
          ? null
          : (permissions.user << 6) | (permissions.group << 3) | permissions.world,
      },
    };
  };
}

function parsed(parse: ParseList, line: string) {
  try {
    const [entry] = parse(line);
    return entry ?? null;
  } catch {
    return "refused";
  }
}

function kindOf(
  entry: ReturnType<ParseList>[number],
  type: string | undefined,
): Seen["kind"] {
  if (entry.isDirectory) return "directory";
  if (entry.isSymbolicLink) return "link";
  return entry.isFile && type !== "b" && type !== "c" ? "file" : "other";
}

/** Cuts bytes into lines; a line or a listing beyond all bounds is a `badResponse`. */
export class Lines {
  readonly #place: string;
  readonly #decoder = new TextDecoder();
  #held = "";
  #bytes = 0;

  constructor(place: string) {
    this.#place = place;
  }

  /** The lines that end in `bytes`; `null` for the end of the listing, and the last of its lines. */
  push(bytes: Uint8Array | null): string[] {
    this.#bytes += bytes?.length ?? 0;
    if (this.#bytes > protocolLimits.ftpListingMaxBytes) throw this.#endless("listing");
    this.#held += bytes === null
      ? this.#decoder.decode()
      : this.#decoder.decode(bytes, { stream: true });
    const lines = this.#held.split("\n");
    this.#held = bytes === null ? "" : lines.pop()!;
    const { ftpListingLineMaxBytes: most } = protocolLimits;
    if (this.#held.length > most || lines.some(({ length }) => length > most)) {
      throw this.#endless("line");
    }
    return lines.map((line) => line.endsWith("\r") ? line.slice(0, -1) : line)
      .filter((line) => line !== "");
  }

  #endless(what: string): ProtocolError {
    const message = `cannot list ${this.#place}: its ${what} does not end`;
    return new ProtocolError("badResponse", message, { retryable: false });
  }
}

/** The page of some lines; names that no file may have are in it as they may be shown. */
export function pageOf(lines: readonly string[], read: ReadLine): EntryPage {
  const entries: Entry[] = [];
  const refused: string[] = [];
  for (const line of lines) {
    const found = read(line);
    if (found === null) continue;
    if (found === "refused") refused.push(shownPath(line));
    else if (found.name === "." || found.name === "..") continue;
    else if (!isUsable(found.name)) refused.push(shownPath(found.name));
    else entries.push(entryOf(found.name, found.seen));
  }
  return { entries, refused };
}

/** A name with what stands at it. */
export function entryOf(name: string, seen: Seen): Entry {
  const fingerprint = seen.kind === "file" ? fingerprintOf(seen) : UNKNOWN_FINGERPRINT;
  return { name, kind: seen.kind, fingerprint, mode: seen.mode };
}

/** Bytes that are no UTF-8 cannot be sent back as they came. */
function isUsable(name: string): boolean {
  return isSafeName(name) && !name.includes("\ufffd");
}
