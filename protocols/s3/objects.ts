/** The requests about single objects. */

import type { Block } from "../../runtime/env/env.ts";
import { parseContentLength, parseHttpDate, parseStrongEtag } from "../http/fields.ts";
import type { Fingerprint } from "../contract.ts";
import { assertSameChecksum, type ChecksumKind, described } from "./checksums.ts";
import type { S3Answer, S3Client } from "./client.ts";
import { isMissing } from "./failure.ts";

/** What stands at a key. */
export interface S3Object {
  readonly size: number | null;
  readonly mtimeMs: number | null;
  /** With its quotes. */
  readonly etag: string | null;
  /** `null` without versions. */
  readonly versionId: string | null;
  /** Which of our uploads it is, `null` if it is none. */
  readonly fileId: string | null;
  /** Of the whole object, in hexadecimal, where the server vouches for it. */
  readonly sha256: string | null;
}

/** The metadata that says which upload an object is. */
export const FILE_ID_HEADER = "x-amz-meta-quorus-id";

/** What the header fields of an answer say of an object. */
export function objectOf(headers: ReadonlyMap<string, string>): S3Object {
  const version = headers.get("x-amz-version-id");
  const sum = headers.get("x-amz-checksum-sha256");
  const isWhole = sum !== undefined && /^[A-Za-z0-9+/]{43}=$/.test(sum) &&
    headers.get("x-amz-checksum-type") !== "COMPOSITE";
  return {
    size: parseContentLength(headers.get("content-length") ?? ""),
    mtimeMs: parseHttpDate(headers.get("last-modified") ?? ""),
    etag: parseStrongEtag(headers.get("etag") ?? ""),
    versionId: version === undefined || version === "null" ? null : version,
    fileId: headers.get(FILE_ID_HEADER) ?? null,
    sha256: isWhole ? Uint8Array.fromBase64(sum).toHex() : null,
  };
}

/** An object as a version of a source. */
export function fingerprintOf({ size, mtimeMs, etag, versionId }: S3Object): Fingerprint {
  return { size, mtimeMs, etag, version: versionId };
}

/** Looks at an object; `null` if there is none. */
export async function headObject(
  client: S3Client,
  key: string,
  action: string,
  signal: AbortSignal | null,
  versionId: string | null = null,
): Promise<S3Object | null> {
  try {
    const { headers } = await client.ask({
      method: "HEAD",
      ...{ key, action, signal },
      query: versionId === null ? {} : { versionId },
      headers: { ...client.place.keyHeaders, "x-amz-checksum-mode": "ENABLED" },
    });
    return objectOf(headers);
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** How an object is put. */
export interface PutOptions {
  readonly action: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly checksum: ChecksumKind;
  readonly signal: AbortSignal | null;
  /** Sent once only, whatever comes of it. */
  readonly isOnce?: boolean;
}

/** Puts the first `length` bytes of a block at a key. */
export async function putObject(
  client: S3Client,
  key: string,
  block: Block,
  length: number,
  { action, headers, checksum, signal, isOnce = false }: PutOptions,
): Promise<S3Answer> {
  const body = await described(client.env, block, length, checksum);
  const answer = await client.ask({
    method: "PUT",
    ...{ key, action, signal, isOnce },
    headers: { ...client.place.keyHeaders, ...headers, ...body.headers },
    body: block.bytes.subarray(0, length),
    bodyHash: body.bodyHash,
  });
  assertSameChecksum(action, checksum, body.checksum, answer.headers, isOnce);
  return answer;
}

/** Removes an object; one that is not there is no error. `ifMatch`: only that version. */
export async function deleteObject(
  client: S3Client,
  key: string,
  action: string,
  signal: AbortSignal | null,
  ifMatch: string | null = null,
): Promise<void> {
  const headers = ifMatch === null ? {} : { "if-match": ifMatch };
  try {
    await client.ask({ method: "DELETE", ...{ key, action, signal, headers } });
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}
