/** What Google's store tells of an object, in the contract's words. */

import { z } from "zod";
import { parseMtime } from "../azure/facts.ts";
import type { DestinationFacts, Fingerprint, SourceFacts } from "../contract.ts";
import { ProtocolError } from "../errors.ts";

/** The metadata that holds the time of a file, in RFC 3339, as rclone writes it too. */
export const MTIME_METADATA = "mtime";
/** The metadata that says which upload an object came of. */
export const UPLOAD_METADATA = "quorus_upload";

const count = z.string().regex(/^\d{1,16}$/).transform(Number).refine(Number.isSafeInteger);

/** The part of an object's resource that is used here. */
export const objectResource = z.object({
  name: z.string(),
  size: count,
  generation: z.string().regex(/^\d{1,20}$/),
  timeCreated: z.string().optional(),
  crc32c: z.string().regex(/^[A-Za-z0-9+/]{6}==$/).optional(),
  contentEncoding: z.string().optional(),
  metadata: z.record(z.string(), z.string()).optional(),
});

/** An object as the service tells it. */
export type GcsObject = z.infer<typeof objectResource>;

/** The fields of {@link objectResource}, to be asked for. */
export const OBJECT_FIELDS = "name,size,generation,timeCreated,crc32c,contentEncoding,metadata";

/** An object's resource, `badResponse` for anything else. */
export function objectIn(action: string, value: unknown): GcsObject {
  const found = objectResource.safeParse(value);
  if (found.success) return found.data;
  throw new ProtocolError("badResponse", `cannot ${action}: the answer describes no object`);
}

/** The version of an object; that of its content, whatever becomes of its metadata. */
export function fingerprintOf(object: GcsObject): Fingerprint {
  const mtimeMs = parseMtime(object.metadata?.[MTIME_METADATA]) ?? parseMtime(object.timeCreated);
  return { size: object.size, mtimeMs, etag: null, version: object.generation };
}

/** What is told of a source. */
export function sourceFactsOf(object: GcsObject): SourceFacts {
  return { fingerprint: fingerprintOf(object), ranges: true, mode: null, sha256: null };
}

/** What is told of a published object. */
export function destinationFactsOf(object: GcsObject): DestinationFacts {
  const { size, mtimeMs } = fingerprintOf(object);
  return { size: size ?? 0, mtimeMs, fileId: object.metadata?.[UPLOAD_METADATA] ?? null };
}
