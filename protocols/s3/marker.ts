/**
 * The object that stands at a temporary name: it says which upload belongs to it, and holds the bytes of
 * a file that is too short for a part. One line of JSON, then those bytes.
 */

import type { Block } from "../../runtime/env/env.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import { isMissing } from "./failure.ts";
import { putObject } from "./objects.ts";
import { shown } from "./uploads.ts";

/** What a marker says. */
export interface Marker {
  /** Of the file that is to become of it. */
  readonly key: string;
  readonly fileId: string;
  /** Entity tag of what stood at the key when the file was begun, `null` if nothing did. */
  readonly base: string | null;
  /** `null`: none was begun, or its id is not known yet. */
  readonly uploadId: string | null;
  /** Of each part; `null`: they grow. */
  readonly partBytes: number | null;
  /** Wall clock of the writer. */
  readonly createdMs: number;
}

/** A marker as it stands at the server. */
export interface StandingMarker {
  readonly marker: Marker;
  readonly tail: Uint8Array;
  readonly etag: string | null;
}

const LINE_MAX_BYTES = 8_192;
const NEWLINE = 10;

/** The marker at a key; `null` if nothing of ours stands there. */
export async function readMarker(
  client: S3Client,
  key: string,
  signal: AbortSignal | null,
): Promise<StandingMarker | null> {
  try {
    const answer = await client.ask({
      method: "GET",
      ...{ key, signal },
      action: `look for ${shown(client, key)}`,
      headers: client.place.keyHeaders,
    }, protocolLimits.s3PartBytes + LINE_MAX_BYTES);
    const { body, headers } = answer;
    const end = body.indexOf(NEWLINE);
    const marker = end < 0 || end > LINE_MAX_BYTES ? null : markerIn(body.subarray(0, end));
    if (marker === null) return null;
    return { marker, tail: body.subarray(end + 1), etag: headers.get("etag") ?? null };
  } catch (thrown) {
    if (isMissing(thrown)) return null;
    throw thrown;
  }
}

/** Puts a marker; `condition` is a header of RFC 9110, 13.1. Its entity tag. */
export async function writeMarker(
  client: S3Client,
  key: string,
  marker: Marker,
  tail: Uint8Array,
  condition: Readonly<Record<string, string>>,
  signal: AbortSignal | null,
): Promise<string | null> {
  const line = new TextEncoder().encode(`${JSON.stringify({ quorus: 1, ...marker })}\n`);
  const bytes = new Uint8Array(line.length + tail.length);
  bytes.set(line);
  bytes.set(tail, line.length);
  const block: Block = { bytes };
  const { headers } = await putObject(client, key, block, bytes.length, {
    action: `write ${shown(client, key)}`,
    headers: condition,
    checksum: client.place.checksum,
    signal,
  });
  return headers.get("etag") ?? null;
}

function markerIn(line: Uint8Array): Marker | null {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder().decode(line));
  } catch {
    return null;
  }
  if (typeof value !== "object" || value === null) return null;
  const { quorus, key, fileId, base, uploadId, partBytes, createdMs } = value as Record<
    string,
    unknown
  >;
  const isOurs = quorus === 1 && typeof key === "string" && typeof fileId === "string" &&
    typeof createdMs === "number" && isTextOrNull(base) && isTextOrNull(uploadId) &&
    isPartBytes(partBytes);
  return isOurs ? { key, fileId, base, uploadId, partBytes, createdMs } : null;
}

function isPartBytes(value: unknown): value is number | null {
  const { s3PartMinBytes, s3PartMaxBytes } = protocolLimits;
  return value === null ||
    (typeof value === "number" && value >= s3PartMinBytes && value <= s3PartMaxBytes);
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === "string";
}
