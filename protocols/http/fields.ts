/** Reading single header fields: values in, values out; what is malformed is `null`. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const IMF_FIXDATE = /^[A-Z][a-z]{2}, (\d{2}) ([A-Z][a-z]{2}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const RFC850_DATE =
  /^[A-Z][a-z]{5,8}, (\d{2})-([A-Z][a-z]{2})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) GMT$/;
const ASCTIME = /^[A-Z][a-z]{2} ([A-Z][a-z]{2}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/;

/** Milliseconds since 1970 of an HTTP-date in any of its three forms (RFC 9110, 5.6.7). */
export function parseHttpDate(text: string): number | null {
  const fixed = IMF_FIXDATE.exec(text);
  if (fixed !== null) return utc(Number(fixed[3]), fixed[2]!, fixed[1]!, fixed, 4);
  const old = RFC850_DATE.exec(text);
  if (old !== null) {
    // Two-digit years: this format died before 2000 did, so 70 and above is the last century.
    const year = Number(old[3]);
    return utc(year + (year >= 70 ? 1900 : 2000), old[2]!, old[1]!, old, 4);
  }
  const unix = ASCTIME.exec(text);
  return unix === null ? null : utc(Number(unix[6]), unix[1]!, unix[2]!, unix, 3);
}

/** `match[clockAt]` and the two after it are hour, minute and second; `null` if there is no such time. */
function utc(
  year: number,
  monthName: string,
  dayText: string,
  match: RegExpExecArray,
  clockAt: number,
): number | null {
  const month = MONTHS.indexOf(monthName);
  const day = Number(dayText);
  const hour = Number(match[clockAt]);
  const minute = Number(match[clockAt + 1]);
  const second = Number(match[clockAt + 2]);
  // 60 is a leap second (RFC 9110, 5.6.7).
  if (month < 0 || day < 1 || hour > 23 || minute > 59 || second > 60) return null;
  if (day > 28 && new Date(Date.UTC(year, month, day)).getUTCDate() !== day) return null;
  return Date.UTC(year, month, day, hour, minute, second);
}

/** Milliseconds since 1970 as an IMF-fixdate, seconds precise. */
export function formatHttpDate(ms: number): string {
  return new Date(ms).toUTCString();
}

/** A non-negative safe integer in plain digits. */
export function parseCount(text: string): number | null {
  if (!/^\d{1,16}$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** `Content-Length`; a list of equal values is one value (RFC 9110, 8.6). */
export function parseContentLength(text: string): number | null {
  if (!text.includes(",")) return parseCount(text);
  const [first, ...rest] = text.split(",").map((part) => part.trim());
  return rest.every((part) => part === first) ? parseCount(first ?? "") : null;
}

/** A strong entity tag with its quotes; weak and malformed ones cannot tell bytes apart. */
export function parseStrongEtag(text: string): string | null {
  return /^"[\x21\x23-\x7e\x80-\xff]*"$/.test(text) ? text : null;
}

/** A `Content-Range` of bytes: a range (`end` excluded) or, in a 416, only the total. */
export interface ContentRange {
  readonly range: { readonly start: number; readonly end: number } | null;
  readonly total: number | null;
}

/** `Content-Range: bytes 0-9/100`, `bytes 0-9/*` or `bytes *\/100` (RFC 9110, 14.4). */
export function parseContentRange(text: string): ContentRange | null {
  const match = /^bytes (?:(\d{1,16})-(\d{1,16})|\*)\/(\d{1,16}|\*)$/i.exec(text);
  if (match === null) return null;
  const total = match[3] === "*" ? null : parseCount(match[3]!);
  if (match[3] !== "*" && total === null) return null;
  if (match[1] === undefined) return total === null ? null : { range: null, total };
  const [start, last] = [parseCount(match[1]), parseCount(match[2]!)];
  if (start === null || last === null || last < start) return null;
  if (total !== null && last >= total) return null;
  return { range: { start, end: last + 1 }, total };
}

/** The `sha-256` member of `Repr-Digest` or `Content-Digest` (RFC 9530) as lower-case hexadecimal. */
export function parseDigestDictionary(text: string): string | null {
  for (const member of text.split(",")) {
    const match = /^\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(member);
    if (match !== null) return base64ToHex(match[1]!);
  }
  return null;
}

/** The `SHA-256` member of `Digest` (RFC 3230) as lower-case hexadecimal. */
export function parseDigestLegacy(text: string): string | null {
  for (const member of text.split(",")) {
    const match = /^\s*sha-256=([A-Za-z0-9+/]{43}=)\s*$/i.exec(member);
    if (match !== null) return base64ToHex(match[1]!);
  }
  return null;
}

function base64ToHex(base64: string): string {
  let hex = "";
  for (const character of atob(base64)) {
    hex += character.charCodeAt(0).toString(16).padStart(2, "0");
  }
  return hex;
}

/**
 * Milliseconds to wait of a `Retry-After`, seconds or a date, never more than `maxMs`; a date is
 * taken against the server's own `Date` where it sent one.
 */
export function parseRetryAfterMs(text: string, serverNowMs: number, maxMs: number): number | null {
  const seconds = parseCount(text.trim());
  if (seconds !== null) return Math.min(seconds * 1_000, maxMs);
  if (/^\d+$/.test(text.trim())) return maxMs;
  const at = parseHttpDate(text.trim());
  return at === null ? null : Math.min(Math.max(0, at - serverNowMs), maxMs);
}
