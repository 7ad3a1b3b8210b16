/** The requests about uploads in parts. */

import type { Block } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { parseCount, parseStrongEtag } from "../http/fields.ts";
import { otherBytes } from "../objects/publishing.ts";
import {
  assertSameChecksum,
  CHECKSUM_ELEMENT,
  type ChecksumKind,
  described,
  wholeChecksum,
  type WholeKind,
} from "./checksums.ts";
import type { S3Answer, S3Client } from "./client.ts";
import { isMissing } from "./failure.ts";
import { childrenOf, parseXml, textOf, xml, type XmlElement } from "./xml.ts";

/** A part that the server has. */
export interface Part {
  readonly number: number;
  readonly size: number;
  /** With its quotes. */
  readonly etag: string;
  /** In base64; `null` without one. */
  readonly checksum: string | null;
}

/** An upload of some key. */
export interface UploadPlace {
  readonly key: string;
  readonly uploadId: string;
}

const ALGORITHM = { sha256: "SHA256", crc32c: "CRC32C", crc32: "CRC32", none: null };

/** The document of an answer. */
export function documentOf(answer: S3Answer): XmlElement {
  return parseXml(new TextDecoder().decode(answer.body));
}

/** Begins an upload of a key; its id. */
export async function createUpload(
  client: S3Client,
  key: string,
  headers: Readonly<Record<string, string>>,
  checksum: ChecksumKind,
  signal: AbortSignal | null,
): Promise<string> {
  const action = `begin an upload to ${shown(client, key)}`;
  const algorithm = ALGORITHM[checksum];
  const answer = await client.ask({
    method: "POST",
    ...{ key, action, signal },
    query: { uploads: null },
    headers: {
      ...client.place.keyHeaders,
      ...headers,
      ...(algorithm === null ? {} : { "x-amz-checksum-algorithm": algorithm }),
      // A SHA-256 of the whole cannot be made of those of its parts.
      ...(algorithm === null || checksum === "sha256"
        ? {}
        : { "x-amz-checksum-type": "FULL_OBJECT" }),
    },
  });
  if (checksum !== "none" && checksum !== "sha256") {
    const { abilities } = client.service;
    abilities.sumsWholes = answer.headers.get("x-amz-checksum-type") === "FULL_OBJECT";
  }
  const uploadId = textOf(documentOf(answer), "UploadId");
  if (uploadId !== null && uploadId !== "") return uploadId;
  throw new ProtocolError("badResponse", `cannot ${action}: the answer names no upload`);
}

/** Sends the first `length` bytes of a block as a part; again under the same number, they replace it. */
export async function uploadPart(
  client: S3Client,
  { key, uploadId }: UploadPlace,
  number: number,
  block: Block,
  length: number,
  checksum: ChecksumKind,
  signal: AbortSignal | null,
): Promise<Part> {
  const action = `send part ${number} of ${shown(client, key)}`;
  const body = await described(client.env, block, length, checksum);
  const { headers } = await client.ask({
    method: "PUT",
    ...{ key, action, signal },
    query: { partNumber: String(number), uploadId },
    headers: { ...client.place.keyHeaders, ...body.headers },
    body: block.bytes.subarray(0, length),
    bodyHash: body.bodyHash,
  });
  assertSameChecksum(action, checksum, body.checksum, headers);
  const etag = headers.get("etag");
  if (etag === undefined || parseStrongEtag(etag) === null) {
    throw new ProtocolError("badResponse", `cannot ${action}: the answer has no entity tag`);
  }
  // Without it in the answer the server does not keep it, and would refuse it in the list.
  const isKept = headers.has(`x-amz-checksum-${checksum}`);
  return { number, size: length, etag, checksum: isKept ? body.checksum : null };
}

/** Makes the object of its parts; what is not in the list is dropped. `io` if it has another sum. */
export async function completeUpload(
  client: S3Client,
  { key, uploadId }: UploadPlace,
  parts: readonly Part[],
  headers: Readonly<Record<string, string>>,
  isOnce = false,
): Promise<S3Answer> {
  const { place: { checksum }, service: { abilities } } = client;
  const element = CHECKSUM_ELEMENT[checksum];
  const list = parts.map((part) =>
    xml("Part", [
      xml("PartNumber", String(part.number)),
      xml("ETag", part.etag),
      ...(element === null || part.checksum === null ? [] : [xml(element, part.checksum)]),
    ])
  );
  const action = `complete the upload to ${shown(client, key)}`;
  const whole = abilities.sumsWholes === true
    ? wholeChecksum(client.env, checksum, "FULL_OBJECT", parts)
    : null;
  const answer = await client.ask({
    method: "POST",
    ...{ key, signal: null, isOnce, action },
    query: { uploadId },
    headers: {
      ...headers,
      // Other bytes are then refused before they are an object.
      ...(whole === null
        ? {}
        : { [`x-amz-checksum-${checksum}`]: whole, "x-amz-checksum-type": "FULL_OBJECT" }),
    },
    body: new TextEncoder().encode(xml("CompleteMultipartUpload", list).markup),
  });
  assertSameWhole(client, action, answer, parts);
  return answer;
}

function assertSameWhole(
  { env, place: { checksum } }: S3Client,
  action: string,
  answer: S3Answer,
  parts: readonly Part[],
): void {
  const element = CHECKSUM_ELEMENT[checksum];
  const document = documentOf(answer);
  const told = element === null ? null : textOf(document, element);
  if (told === null) return;
  const kind: WholeKind = told.includes("-") ? "COMPOSITE" : "FULL_OBJECT";
  const expected = wholeChecksum(env, checksum, kind, parts);
  if (expected === null || expected === told) return;
  const what = `the object has the checksum ${told.slice(0, 60)}, and what was sent ${expected}`;
  throw otherBytes(action, what);
}

/** Gives an upload up; one that is gone is no error. */
export async function abortUpload(
  client: S3Client,
  { key, uploadId }: UploadPlace,
  signal: AbortSignal | null,
): Promise<void> {
  const action = `abort the upload to ${shown(client, key)}`;
  try {
    await client.ask({ method: "DELETE", ...{ key, action, signal }, query: { uploadId } });
  } catch (thrown) {
    if (!isMissing(thrown)) throw thrown;
  }
}

/** The parts that an upload has, in their order; `null` if the upload is gone. */
export async function listParts(
  client: S3Client,
  { key, uploadId }: UploadPlace,
  signal: AbortSignal | null,
): Promise<Part[] | null> {
  const action = `list the parts of ${shown(client, key)}`;
  const parts: Part[] = [];
  try {
    for (let after = 0;;) {
      const query = { uploadId, "part-number-marker": String(after) };
      const page = documentOf(
        await client.ask({ method: "GET", ...{ key, action, signal, query } }),
      );
      const found = childrenOf(page, "Part").map((part) => partOf(part, action));
      parts.push(...found);
      const last = found.at(-1)?.number ?? 0;
      if (textOf(page, "IsTruncated") !== "true") return parts;
      if (last <= after) {
        throw new ProtocolError("badResponse", `cannot ${action}: the list goes in circles`);
      }
      after = last;
    }
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

function partOf(element: XmlElement, action: string): Part {
  const number = parseCount(textOf(element, "PartNumber") ?? "");
  const size = parseCount(textOf(element, "Size") ?? "");
  const etag = textOf(element, "ETag");
  if (number === null || number < 1 || size === null || etag === null || etag === "") {
    throw new ProtocolError("badResponse", `cannot ${action}: a part lacks number, size or tag`);
  }
  const checksum = textOf(element, "ChecksumSHA256") ?? textOf(element, "ChecksumCRC32C") ??
    textOf(element, "ChecksumCRC32");
  return { number, size, etag: etag.startsWith('"') ? etag : `"${etag}"`, checksum };
}

/** A key as messages show it. */
export function shown({ place }: S3Client, key: string): string {
  const text = JSON.stringify(key.length > 200 ? `${key.slice(0, 200)}...` : key);
  return `s3://${place.bucket}/${text.slice(1, -1)}`;
}

/** An upload in a list of them. */
export interface ListedUpload extends UploadPlace {
  readonly begunMs: number | null;
}

/** The first page of uploads whose keys begin with `prefix`. */
export async function listUploads(client: S3Client, prefix: string): Promise<ListedUpload[]> {
  const action = `list the uploads of ${shown(client, prefix)}`;
  const query = { uploads: null, prefix };
  const page = documentOf(
    await client.ask({ method: "GET", key: null, action, query, signal: null }),
  );
  return childrenOf(page, "Upload").flatMap((upload) => {
    const key = textOf(upload, "Key");
    const uploadId = textOf(upload, "UploadId");
    const begunMs = Date.parse(textOf(upload, "Initiated") ?? "");
    if (key === null || uploadId === null) return [];
    return [{ key, uploadId, begunMs: Number.isNaN(begunMs) ? null : begunMs }];
  });
}
