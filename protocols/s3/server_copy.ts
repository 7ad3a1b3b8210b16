/** Filling an upload by parts that the service copies from another of its objects (UploadPartCopy). */

import { assert } from "../../runtime/base/assert.ts";
import { assertNotAborted } from "../aborting.ts";
import { splitPath } from "../containment.ts";
import type { CopyOrder, NoServerCopy, ServerCopy, SinkFile } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { S3Client } from "./client.ts";
import { copyPart, type CopySource } from "./copy.ts";
import { keyOf, type S3Place } from "./endpoint.ts";
import { isUnmet } from "./failure.ts";
import { headObject } from "./objects.ts";
import { S3SinkFile } from "./sink_file.ts";
import { shown } from "./uploads.ts";

const GRAIN_BYTES = 1_048_576;

/**
 * How the service copies the object of one client into uploads of another one, which asks: buckets may
 * differ. A copy costs an upload in parts; a file that one PUT takes is moved with fewer requests.
 */
export function s3Copy(from: S3Client, to: S3Client): ServerCopy | NoServerCopy {
  const whyNot = whyNotOne(from.place, to.place);
  if (whyNot !== null) return { whyNot };
  splitPath(from.place.path);
  const key = keyOf(from.place.path);
  return {
    leastBytes: to.place.partBytes ?? protocolLimits.s3PartBytes,
    resumes: true,
    copy: (file, order) => copyParts({ from, to, key }, file, order),
  };
}

function whyNotOne(from: S3Place, to: S3Place): string | null {
  if (from.origin.href !== to.origin.href || from.region !== to.region) {
    return "the source is in another service or region";
  }
  const askedAs = ({ credentials, tls, headers }: S3Place) =>
    JSON.stringify([credentials, tls, headers]);
  return askedAs(from) === askedAs(to) ? null : "the source is read with other credentials";
}

interface Ends {
  readonly from: S3Client;
  readonly to: S3Client;
  readonly key: string;
}

async function copyParts(
  { from, to, key }: Ends,
  file: SinkFile,
  { expected: { etag }, size, signal, copied }: CopyOrder,
): Promise<void> {
  assert(file instanceof S3SinkFile, "copy() takes a file that this protocol opened");
  const action = `copy ${shown(from, key)}`;
  assertNotAborted(action, signal);
  if (etag === null) {
    const message = `cannot ${action}: the server gives it no entity tag that tells its version`;
    throw new ProtocolError("unsupported", message, { definite: true });
  }
  const { versionId } = from.place;
  let source: CopySource = { client: from, key, size, etag, versionId };
  await assertStands(source, action, signal);
  const target = file.upload.facts.key;
  const partBytes = to.place.partBytes ?? partBytesOf(size);
  const patient = patientFor(to, partBytes);
  try {
    await file.upload.fill({
      size,
      partBytes,
      made: copied,
      make: async ({ uploadId, number, start, end, signal: taken }) => {
        const ending = AbortSignal.any([signal, taken]);
        const place = { key: target, uploadId };
        const make = () => copyPart(source, patient, place, number, start, end, ending);
        return await make().catch(async (thrown: unknown) => {
          if (!isUnmet(thrown)) throw thrown;
          // Swift does not know the tags of objects that were uploaded in parts, in this one place.
          await assertStands(source, action, ending);
          source = { ...source, isUnconditional: true };
          return await make();
        });
      },
    });
    await assertStands(source, action, signal);
  } catch (thrown) {
    if (!isUnmet(thrown)) throw thrown;
    const message = `cannot ${action}: it was changed (its entity tag is another one); start over`;
    throw new ProtocolError("changed", message, { definite: true });
  }
}

/** The answer to a copy comes once it is made: it has as long as its bytes would have on their way. */
function patientFor(client: S3Client, bytes: number): S3Client {
  const moreMs = Math.ceil(bytes * 1_000 / protocolLimits.s3SlowestBytesPerSecond);
  const { place } = client;
  return client.at({ ...place, responseTimeoutMs: place.responseTimeoutMs + moreMs });
}

/** A part of nothing fails in as many ways as there are servers. */
async function assertStands(
  { client, key, etag, versionId = null }: CopySource,
  action: string,
  signal: AbortSignal,
): Promise<void> {
  const standing = await headObject(
    client,
    key,
    `look at ${shown(client, key)}`,
    signal,
    versionId,
  );
  if (standing?.etag === etag) return;
  const [code, reason] = standing === null
    ? ["notFound", "there is no such object"] as const
    : ["changed", "it was changed (its entity tag is another one); start over"] as const;
  throw new ProtocolError(code, `cannot ${action}: ${reason}`, { definite: true });
}

/** As many as there may be hold the largest object. */
function partBytesOf(size: number): number {
  const { s3PartsMax, s3ServerCopyPartBytes } = protocolLimits;
  const least = Math.ceil(size / s3PartsMax / GRAIN_BYTES) * GRAIN_BYTES;
  return Math.max(s3ServerCopyPartBytes, least);
}
