/** Ranges of an object: how they are asked for, and whether the answer is the one; no I/O. */

import type { ByteRange } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { parseContentLength, parseContentRange } from "../http/fields.ts";

/** A whole object needs no `Range`. */
export function isWhole({ start, end }: ByteRange): boolean {
  return start === 0 && end === null;
}

/** Nothing is asked for: an empty range cannot be written in HTTP. */
export function isEmpty({ start, end }: ByteRange): boolean {
  return end !== null && end <= start;
}

/** `bytes=0-9`, `bytes=10-` (RFC 9110, 14.1.2). */
export function rangeField({ start, end }: ByteRange): string {
  return `bytes=${start}-${end === null ? "" : end - 1}`;
}

/** What an answer brings. */
export interface RangeAnswer {
  /** Of the whole object. */
  readonly size: number;
  /** Body bytes. */
  readonly announced: number;
}

/** Judges a 200 or 206; what was not asked for is thrown before a byte is delivered. */
export function judgeRange(
  action: string,
  range: ByteRange,
  { status, headers }: { readonly status: number; readonly headers: ReadonlyMap<string, string> },
): RangeAnswer {
  const length = parseContentLength(headers.get("content-length") ?? "");
  if (status === 200) {
    if (!isWhole(range)) throw failed("rangeNotSupported", action, "the whole is sent for a range");
    if (length === null) throw failed("badResponse", action, "the answer has no length");
    return { size: length, announced: length };
  }
  const part = parseContentRange(headers.get("content-range") ?? "");
  if (part?.range === undefined || part.range === null || part.total === null) {
    throw failed("badResponse", action, "a part came without a usable Content-Range");
  }
  const { start, end } = part.range;
  const last = Math.min(range.end ?? part.total, part.total);
  if (isWhole(range) || start !== range.start || end !== last) {
    const asked = `bytes ${range.start} to ${range.end ?? "the end"}`;
    const reason = `asked for ${asked}, announced are ${start} to ${end} of ${part.total}`;
    throw failed("badResponse", action, reason);
  }
  if (length !== null && length !== end - start) {
    throw failed("badResponse", action, "Content-Length and Content-Range contradict each other");
  }
  return { size: part.total, announced: end - start };
}

/** A range that starts at the very end is empty; `rangeNotSupported` beyond it. */
export function assertWithin(action: string, { start }: ByteRange, size: number | null): void {
  if (size !== null && start <= size) return;
  throw failed("rangeNotSupported", action, `it has ${size ?? "no known number of"} bytes`);
}

function failed(
  code: "rangeNotSupported" | "badResponse",
  action: string,
  reason: string,
): ProtocolError {
  return new ProtocolError(code, `cannot ${action}: ${reason}`);
}
