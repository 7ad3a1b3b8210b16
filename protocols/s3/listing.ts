/** Pages of names (ListObjectsV2). */

import { ProtocolError } from "../errors.ts";
import { parseCount } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import { documentOf } from "./uploads.ts";
import { childrenOf, textOf, type XmlElement } from "./xml.ts";

/** An object in a listing. */
export interface ListedObject {
  readonly key: string;
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** With its quotes. */
  readonly etag: string | null;
}

/** Some of the names. */
export interface ListPage {
  readonly objects: readonly ListedObject[];
  /** What keys have in common up to the delimiter, it included. */
  readonly prefixes: readonly string[];
  /** Where the next page begins; `null` after the last one. */
  readonly next: string | null;
}

/** What is listed. */
export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  /** Of the page before. */
  readonly next?: string | null;
  readonly most?: number;
}

/** One page. */
export async function listPage(
  client: S3Client,
  { prefix, delimiter, next = null, most = protocolLimits.listPageEntries }: ListQuery,
  action: string,
  signal: AbortSignal | null,
): Promise<ListPage> {
  const query: Record<string, string> = {
    "list-type": "2",
    // Names that XML cannot hold come whole.
    "encoding-type": "url",
    "max-keys": String(most),
    ...{ prefix, delimiter },
    ...(next === null ? {} : { "continuation-token": next }),
  };
  const page = documentOf(
    await client.ask({ method: "GET", key: null, ...{ action, signal, query } }),
  );
  const isEncoded = textOf(page, "EncodingType") === "url";
  const decode = (text: string | null) => decoded(text, isEncoded, action);
  return {
    objects: childrenOf(page, "Contents").map((listed) => objectIn(listed, decode)),
    prefixes: childrenOf(page, "CommonPrefixes").map((common) => decode(textOf(common, "Prefix"))),
    next: nextOf(page, next, action),
  };
}

function objectIn(element: XmlElement, decode: (text: string | null) => string): ListedObject {
  const mtimeMs = Date.parse(textOf(element, "LastModified") ?? "");
  const etag = textOf(element, "ETag");
  return {
    key: decode(textOf(element, "Key")),
    size: parseCount(textOf(element, "Size") ?? ""),
    mtimeMs: Number.isNaN(mtimeMs) ? null : mtimeMs,
    etag: etag === null || etag === "" ? null : etag.startsWith('"') ? etag : `"${etag}"`,
  };
}

function nextOf(page: XmlElement, before: string | null, action: string): string | null {
  if (textOf(page, "IsTruncated") !== "true") return null;
  const next = textOf(page, "NextContinuationToken");
  if (next !== null && next !== "" && next !== before) return next;
  throw new ProtocolError("badResponse", `cannot ${action}: the listing goes in circles`);
}

/** S3 writes a space as a plus sign. */
function decoded(text: string | null, isEncoded: boolean, action: string): string {
  if (text === null) throw new ProtocolError("badResponse", `cannot ${action}: a name is missing`);
  if (!isEncoded) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw new ProtocolError("badResponse", `cannot ${action}: a name is encoded wrongly`);
  }
}
