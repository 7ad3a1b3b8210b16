/** What Azure Blob tells of a blob, in the contract's words. */

import type { DestinationFacts, Fingerprint, SourceFacts } from "../contract.ts";
import { parseContentLength, parseHttpDate } from "../http/fields.ts";

type Headers = ReadonlyMap<string, string>;

/** The name of a blob's metadata that holds the time of its file, in RFC 3339, as rclone writes it too. */
export const MTIME_METADATA = "mtime";
/** The name of a blob's metadata that says which upload it came of. */
export const UPLOAD_METADATA = "quorus_upload";

/** Milliseconds since 1970 of an RFC 3339 time; `null` for anything else. */
export function parseMtime(text: string | null | undefined): number | null {
  if (typeof text !== "string" || !/^\d{4}-\d\d-\d\dT[\d:.]{8,18}(?:Z|[+-]\d\d:\d\d)$/.test(text)) {
    return null;
  }
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** An entity tag in quotes, as headers have it; listings leave them out. */
export function quotedEtag(text: string | null | undefined): string | null {
  if (typeof text !== "string" || !/^"?[\x21\x23-\x7e]{1,200}"?$/.test(text)) return null;
  return text.startsWith('"') ? text : `"${text}"`;
}

/** The version of a blob as its headers tell it; `size` is that of the whole. */
export function fingerprintOf(headers: Headers, size: number | null): Fingerprint {
  const stored = parseMtime(headers.get(`x-ms-meta-${MTIME_METADATA}`));
  return {
    size,
    mtimeMs: stored ?? parseHttpDate(headers.get("last-modified") ?? ""),
    etag: quotedEtag(headers.get("etag")),
    version: headers.get("x-ms-version-id") ?? null,
  };
}

/** What the headers of a blob tell of it. */
export function sourceFactsOf(headers: Headers, size: number | null): SourceFacts {
  return { fingerprint: fingerprintOf(headers, size), ranges: true, mode: null, sha256: null };
}

/** The length of a blob in the answer to a HEAD. */
export function sizeOf(headers: Headers): number | null {
  return parseContentLength(headers.get("content-length") ?? "");
}

/** What is known of a published blob. */
export function destinationFactsOf(headers: Headers, size: number): DestinationFacts {
  return {
    size,
    mtimeMs: fingerprintOf(headers, size).mtimeMs,
    fileId: headers.get(`x-ms-meta-${UPLOAD_METADATA}`) ?? null,
  };
}

/** A directory of an account with a hierarchical namespace is a blob that says so. */
export function isFolderMarker(headers: Headers): boolean {
  return headers.get("x-ms-meta-hdi_isfolder")?.toLowerCase() === "true";
}
