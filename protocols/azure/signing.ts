/**
 * Shared Key signatures of Azure Storage ("Authorize with Shared Key", version 2015-02-21 and later):
 * values in, a header field out.
 *
 * Ours and not `@azure/storage-blob`, because that one brings an HTTP pipeline and signs with WebCrypto,
 * which would be outside of Env.
 */

import type { Hashing } from "../../runtime/env/env.ts";

/** A request as it is signed. */
export interface SignableRequest {
  readonly method: string;
  /** As it is sent. */
  readonly url: URL;
  /** Names in lower case; all that are sent and signed. */
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes: number;
}

const SIGNED_FIELDS = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
] as const;

/** What is signed for an account. */
export function stringToSign(account: string, request: SignableRequest): string {
  const { method, url, headers, bodyBytes } = request;
  const fields = { ...headers, "content-length": bodyBytes === 0 ? "" : String(bodyBytes) };
  return [
    method,
    ...SIGNED_FIELDS.map((name) => (fields as Record<string, string>)[name] ?? ""),
    ...canonicalHeaders(headers),
    `/${account}${url.pathname}`,
    ...canonicalQuery(url),
  ].join("\n");
}

function canonicalHeaders(headers: SignableRequest["headers"]): string[] {
  return Object.entries(headers)
    .filter(([name]) => name.startsWith("x-ms-"))
    .sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, " ")}`);
}

function canonicalQuery({ searchParams }: URL): string[] {
  const values = new Map<string, string[]>();
  for (const [name, value] of searchParams) {
    const known = values.get(name.toLowerCase());
    if (known === undefined) values.set(name.toLowerCase(), [value]);
    else known.push(value);
  }
  return [...values].sort(([a], [b]) => a < b ? -1 : 1)
    .map(([name, all]) => `${name}:${all.sort().join(",")}`);
}

/** The `Authorization` of a request. */
export function sharedKeyAuthorization(
  hash: Hashing,
  account: string,
  key: Uint8Array,
  request: SignableRequest,
): string {
  const text = new TextEncoder().encode(stringToSign(account, request));
  return `SharedKey ${account}:${hash.hmacSha256(key, text).toBase64()}`;
}
