/**
 * Signature Version 4 of Amazon Web Services, over `Env.hash`: values in, header fields out.
 *
 * Ours and not a package's, because those sign with WebCrypto, whose calls complete in any order and
 * would end simulation. The examples that Amazon publishes are its tests. Whoever speaks the same
 * dialect with other scopes (GCS with HMAC keys) uses this as it stands.
 */

import type { Hashing } from "../../runtime/env/env.ts";

/** An access key as requests are signed with it. Secret: never log or store one. */
export interface AccessKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Of temporary credentials, else `null`. */
  readonly sessionToken: string | null;
}

/** What a signature is good for. */
export interface SigningScope {
  readonly region: string;
  /** `s3`, `sts`. */
  readonly service: string;
}

/** A request before it is signed. */
export interface SignableRequest {
  readonly method: string;
  /** Path and query must be encoded by {@link encodedPath} and {@link encodedQuery}. */
  readonly url: URL;
  /** Names in lower case; all but those of {@link UNSIGNED_HEADERS} are signed. */
  readonly headers: Readonly<Record<string, string>>;
  /** SHA-256 of the body, lower-case hexadecimal, or {@link UNSIGNED_PAYLOAD}. */
  readonly payload: string;
}

/** A body that need not be signed where TLS carries it. */
export const UNSIGNED = "unsigned";

/** Says that the body is not covered by the signature: for requests over TLS only. */
export const UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD";

/** SHA-256 of nothing. */
export const EMPTY_PAYLOAD = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

/** Fields that proxies change on the way, and that change no meaning. */
const UNSIGNED_HEADERS: ReadonlySet<string> = new Set(["accept-encoding", "user-agent"]);

const ALGORITHM = "AWS4-HMAC-SHA256";
const UTF8 = new TextEncoder();

/** The header fields of the request as it is to be sent at the time `atMs` (wall clock of the server). */
export function signedHeaders(
  hash: Hashing,
  request: SignableRequest,
  key: AccessKey,
  scope: SigningScope,
  atMs: number,
): Record<string, string> {
  const time = amzTime(atMs);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-content-sha256": request.payload,
    "x-amz-date": time,
    ...(key.sessionToken === null ? {} : { "x-amz-security-token": key.sessionToken }),
  };
  const { text, names } = canonicalRequest({ ...request, headers });
  const credentialScope = `${time.slice(0, 8)}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = [ALGORITHM, time, credentialScope, sha256Hex(hash, text)].join("\n");
  const signature = hash.hmacSha256(signingKey(hash, key, time, scope), UTF8.encode(toSign));
  headers.authorization =
    `${ALGORITHM} Credential=${key.accessKeyId}/${credentialScope},SignedHeaders=${names},` +
    `Signature=${signature.toHex()}`;
  return headers;
}

function signingKey(
  hash: Hashing,
  { secretAccessKey }: AccessKey,
  time: string,
  { region, service }: SigningScope,
): Uint8Array {
  let key: Uint8Array = UTF8.encode(`AWS4${secretAccessKey}`);
  for (const part of [time.slice(0, 8), region, service, "aws4_request"]) {
    key = hash.hmacSha256(key, UTF8.encode(part));
  }
  return key;
}

/** The canonical form of a request and the names of its signed header fields. */
export function canonicalRequest(
  { method, url, headers, payload }: SignableRequest,
): { readonly text: string; readonly names: string } {
  const fields = Object.entries({ ...headers, host: url.host })
    .filter(([name]) => !UNSIGNED_HEADERS.has(name))
    .sort(([a], [b]) => a < b ? -1 : 1);
  const names = fields.map(([name]) => name).join(";");
  const lines = fields.map(([name, value]) => `${name}:${value.trim().replace(/\s+/g, " ")}\n`);
  const query = canonicalQuery(url.search);
  const text = [method, url.pathname, query, lines.join(""), names, payload].join("\n");
  return { text, names };
}

function canonicalQuery(search: string): string {
  const parts = search.replace(/^\?/, "").split("&").filter((part) => part !== "");
  return parts.map((part) => part.includes("=") ? part : `${part}=`).sort().join("&");
}

/** `20130524T000000Z` */
export function amzTime(atMs: number): string {
  return `${new Date(atMs).toISOString().replace(/[-:]|\.\d{3}/g, "")}`;
}

/** SHA-256 of a text or of bytes, lower-case hexadecimal. */
export function sha256Hex(hash: Hashing, content: string | Uint8Array): string {
  const hasher = hash.sha256();
  hasher.update(typeof content === "string" ? UTF8.encode(content) : content);
  return hasher.digestHex();
}

/** Percent-encodes everything that RFC 3986 does not call unreserved. */
export function encodedText(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** A key as the path of a URL: every segment encoded, slashes kept. */
export function encodedPath(path: string): string {
  return path.split("/").map(encodedText).join("/");
}

/** A query in canonical order, without its question mark; `null` values are names alone. */
export function encodedQuery(query: Readonly<Record<string, string | null>>): string {
  return Object.entries(query)
    .map(([name, value]) => `${encodedText(name)}=${encodedText(value ?? "")}`)
    .sort()
    .join("&");
}
