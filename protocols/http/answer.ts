/** Checking the answer to a read against what was asked; nothing here does I/O. */

import type { ByteRange, Fingerprint, SourceFacts } from "../contract.ts";
import { fingerprintChange } from "../fingerprint.ts";
import { failure, type Place } from "./failure.ts";
import {
  formatHttpDate,
  parseContentLength,
  parseContentRange,
  parseDigestDictionary,
  parseDigestLegacy,
  parseHttpDate,
  parseStrongEtag,
} from "./fields.ts";
import type { Head } from "./status.ts";

/** A read as it was asked for. */
export interface Question {
  readonly range: ByteRange;
  readonly expected: Fingerprint | null;
}

/** What will come of the body. */
export interface Answer {
  readonly facts: SourceFacts;
  /** Body bytes the server announced, `null` if it did not. */
  readonly announced: number | null;
  /** Body bytes that were asked for, where the server sends more than that; else `null`. */
  readonly wanted: number | null;
}

/** A whole file needs no `Range`. */
export function isWhole(range: ByteRange): boolean {
  return range.start === 0 && range.end === null;
}

const NO_HEADERS: Readonly<Record<string, string>> = {};

/** An empty range cannot be written in HTTP: one byte is asked for and not read. */
function endAsked(range: ByteRange): number | null {
  return range.end === null ? null : Math.max(range.end, range.start + 1);
}

/** `Range` and `If-Range` of a question (RFC 9110, 13.1.5 and 14.2); none for a whole file. */
export function rangeHeaders({ range, expected }: Question): Readonly<Record<string, string>> {
  if (isWhole(range)) return NO_HEADERS;
  const end = endAsked(range);
  const headers: Record<string, string> = {
    range: `bytes=${range.start}-${end === null ? "" : end - 1}`,
  };
  const validator = validatorOf(expected);
  if (validator !== null) headers["if-range"] = validator;
  return headers;
}

/**
 * The validator that `If-Range` may carry: a strong entity tag, else a date. A fingerprint without
 * an entity tag only ever keeps a strong date, see {@link factsOf}.
 */
function validatorOf(expected: Fingerprint | null): string | null {
  if (expected === null) return null;
  if (expected.etag !== null) return expected.etag;
  return expected.mtimeMs === null ? null : formatHttpDate(expected.mtimeMs);
}

/** Below this distance to `Date` a `Last-Modified` cannot tell two versions apart (RFC 9110, 8.8.2.2). */
const STRONG_DATE_AGE_MS = 1_000;

/**
 * The facts of the whole file in a response of which `size` is known to be that of the file.
 * Without a strong entity tag a `Last-Modified` counts only when it is older than the response:
 * the file could change again within the same second.
 */
export function factsOf(head: Head, size: number | null, ranges: boolean): SourceFacts {
  const field = (name: string) => head.headers.get(name) ?? "";
  const etag = parseStrongEtag(field("etag"));
  const modifiedMs = parseHttpDate(field("last-modified"));
  const mtimeMs = etag !== null || isStrongDate(modifiedMs, field("date")) ? modifiedMs : null;
  const sha256 = parseDigestDictionary(field("repr-digest")) ?? parseDigestLegacy(field("digest"));
  return {
    fingerprint: { size, mtimeMs, etag, version: null },
    ranges,
    mode: null,
    sha256,
  };
}

function isStrongDate(modifiedMs: number | null, date: string): boolean {
  const dateMs = parseHttpDate(date);
  return modifiedMs !== null && dateMs !== null && dateMs - modifiedMs >= STRONG_DATE_AGE_MS;
}

/** Refuses bytes that are not the file's own. */
function checkEncoding(place: Place, head: Head): void {
  const encoding = head.headers.get("content-encoding")?.trim().toLowerCase() ?? "";
  if (encoding === "" || encoding === "identity") return;
  throw failure(
    "badResponse",
    place,
    `the body is encoded (${
      encoding.slice(0, 40)
    }) although identity was asked for, so its bytes ` +
      `are not the file's; switch compression off for this file at the server`,
    { retryable: false },
  );
}

/** Announced body length; chunked framing overrides a length (RFC 9112, 6.3). */
function lengthOf(place: Place, head: Head): number | null {
  const text = head.headers.get("content-length");
  if (text === undefined || head.headers.has("transfer-encoding")) return null;
  const length = parseContentLength(text);
  if (length === null) throw failure("badResponse", place, `its Content-Length is no length`);
  return length;
}

/** The facts in a 200 to HEAD or to a GET of the whole file. */
export function factsOfWhole(place: Place, head: Head): SourceFacts {
  checkEncoding(place, head);
  const ranges = /\bbytes\b/i.test(head.headers.get("accept-ranges") ?? "");
  const facts = factsOf(head, lengthOf(place, head), ranges);
  if (facts.sha256 !== null || place.method !== "GET") return facts;
  // Content-Digest is of this message's content, which in a 200 to GET is the whole file.
  return { ...facts, sha256: parseDigestDictionary(head.headers.get("content-digest") ?? "") };
}

/** Judges a 200, 206 or 416; what is not usable is thrown before a byte is delivered. */
export function judge(place: Place, question: Question, head: Head): Answer {
  if (head.status === 206) return judgePart(place, question, head);
  if (head.status === 416) return judgeUnsatisfiable(place, question, head);
  const facts = factsOfWhole(place, head);
  checkUnchanged(place, question, facts);
  const { start, end } = question.range;
  if (start > 0) {
    throw failure("rangeNotSupported", place, `the server sends the whole file instead of a range`);
  }
  const announced = facts.fingerprint.size;
  const more = end !== null && (announced === null || announced > end);
  return { facts, announced, wanted: more ? end : null };
}

function judgePart(place: Place, question: Question, head: Head): Answer {
  const { range } = question;
  if (isWhole(range)) {
    throw failure(
      "badResponse",
      place,
      `status 206 (a part) although the whole file was asked for`,
    );
  }
  checkEncoding(place, head);
  const part = parseContentRange(head.headers.get("content-range") ?? "");
  if (part === null || part.range === null) {
    throw failure("badResponse", place, `status 206 without a usable Content-Range`);
  }
  const facts = factsOf(head, part.total, true);
  checkUnchanged(place, question, facts);
  const { start, end } = part.range;
  const asked = endAsked(range);
  const last = asked === null ? part.total : Math.min(asked, part.total ?? asked);
  if (start !== range.start || (last !== null && end !== last)) {
    throw failure(
      "badResponse",
      place,
      `asked for bytes ${range.start} to ${range.end ?? "the end"}, ` +
        `the server announces ${start} to ${end} of ${part.total ?? "an unknown size"}`,
    );
  }
  const length = lengthOf(place, head);
  if (length !== null && length !== end - start) {
    throw failure("badResponse", place, `Content-Length and Content-Range contradict each other`);
  }
  const empty = range.end !== null && range.end <= range.start;
  return { facts, announced: end - start, wanted: empty ? 0 : null };
}

/** 416: the remainder at the very end is empty, anything else cannot be served (RFC 9110, 15.5.17). */
function judgeUnsatisfiable(place: Place, question: Question, head: Head): Answer {
  const total = parseContentRange(head.headers.get("content-range") ?? "")?.total ?? null;
  const facts = factsOf(head, total, true);
  checkUnchanged(place, question, facts);
  if (total !== null && total === question.range.start) return { facts, announced: 0, wanted: 0 };
  throw failure(
    "rangeNotSupported",
    place,
    `status 416: the server cannot serve bytes from ${question.range.start} on` +
      (total === null ? "" : ` of a file of ${total} bytes`),
  );
}

function checkUnchanged(place: Place, question: Question, facts: SourceFacts): void {
  if (question.expected === null) return;
  const change = fingerprintChange(question.expected, facts.fingerprint);
  if (change !== null) {
    throw failure("changed", place, `the file is another version now: ${change}`);
  }
}
