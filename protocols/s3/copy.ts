/** Copies within a service, of which no byte passes through us. */

import { ProtocolError } from "../errors.ts";
import { parseStrongEtag } from "../http/fields.ts";
import { protocolLimits } from "../limits.ts";
import { CHECKSUM_ELEMENT } from "./checksums.ts";
import type { S3Client } from "./client.ts";
import { copySourceKeyHeaders } from "./encryption.ts";
import { encodedPath } from "./signing.ts";
import {
  abortUpload,
  completeUpload,
  createUpload,
  documentOf,
  type Part,
  shown,
  type UploadPlace,
} from "./uploads.ts";
import { textOf } from "./xml.ts";

/** What is copied: one version of an object. */
export interface CopySource {
  readonly client: S3Client;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  /** The server keeps no condition about it: who copies looks before and after. */
  readonly isUnconditional?: boolean;
  /** Where a version of its own is meant. */
  readonly versionId?: string | null;
}

/** Copies an object to a key of `target`; `condition` is about what stands there. */
export async function copyObject(
  source: CopySource,
  target: S3Client,
  key: string,
  condition: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  if (source.size > protocolLimits.s3CopyWholeMaxBytes) {
    return await copyInParts(source, target, key, condition, signal);
  }
  const action = actionOf(source, target, key);
  const answer = await target.ask({
    method: "PUT",
    ...{ key, action, signal },
    headers: {
      ...target.place.keyHeaders,
      ...encryptionOnly(target.place.makingHeaders),
      ...sourceHeaders(source),
      ...condition,
    },
  });
  if (textOf(documentOf(answer), "ETag") !== null) return;
  throw new ProtocolError("badResponse", `cannot ${action}: the answer is none to a copy`);
}

async function copyInParts(
  source: CopySource,
  target: S3Client,
  key: string,
  condition: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<void> {
  const uploadId = await createUpload(target, key, target.place.makingHeaders, "none", signal);
  const upload = { key, uploadId };
  try {
    const parts: Part[] = [];
    const { s3CopyPartBytes } = protocolLimits;
    for (let start = 0; start < source.size; start += s3CopyPartBytes) {
      const end = Math.min(source.size, start + s3CopyPartBytes);
      parts.push(await copyPart(source, target, upload, parts.length + 1, start, end, signal));
    }
    await completeUpload(target, upload, parts, condition);
  } catch (thrown) {
    await abortUpload(target, upload, null).catch(() => {});
    throw thrown;
  }
}

/** Makes a part of the bytes from `start` to `end` of an object. */
export async function copyPart(
  source: CopySource,
  target: S3Client,
  { key, uploadId }: UploadPlace,
  number: number,
  start: number,
  end: number,
  signal: AbortSignal,
): Promise<Part> {
  const action = actionOf(source, target, key);
  const answer = await target.ask({
    method: "PUT",
    ...{ key, action, signal },
    query: { partNumber: String(number), uploadId },
    headers: {
      ...target.place.keyHeaders,
      ...sourceHeaders(source),
      "x-amz-copy-source-range": `bytes=${start}-${end - 1}`,
    },
  });
  const document = documentOf(answer);
  const etag = textOf(document, "ETag");
  if (etag === null) throw new ProtocolError("badResponse", `cannot ${action}: a part has no tag`);
  const quoted = parseStrongEtag(etag) ?? `"${etag.replace(/"/g, "")}"`;
  const element = CHECKSUM_ELEMENT[target.place.checksum];
  // A service that keeps them has made one by itself, and wants it named in the list.
  const checksum = element === null ? null : textOf(document, element);
  return { number, size: end - start, etag: quoted, checksum };
}

function sourceHeaders(
  { client, key, etag, isUnconditional = false, versionId = null }: CopySource,
): Record<string, string> {
  const version = versionId === null ? "" : `?versionId=${encodeURIComponent(versionId)}`;
  return {
    "x-amz-copy-source": `/${encodedPath(`${client.place.bucket}/${key}`)}${version}`,
    ...(isUnconditional ? {} : { "x-amz-copy-source-if-match": etag }),
    ...copySourceKeyHeaders(client.place.keyHeaders),
  };
}

/** Metadata go along with a copy by themselves; how it is stored must be said again. */
function encryptionOnly(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) =>
      name.startsWith("x-amz-server-side-encryption") || name === "x-amz-storage-class"
    ),
  );
}

function actionOf({ client, key }: CopySource, target: S3Client, to: string): string {
  return `copy ${shown(client, key)} to ${shown(target, to)}`;
}
