/** The request that makes a temporary file the final one, and what became of it. */

import { safeName } from "../containment.ts";
import type { DestinationFacts, PublishOptions } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import type { S3Client } from "./client.ts";
import { isMissing, isUnmet } from "./failure.ts";
import { FILE_ID_HEADER, headObject, putObject, type S3Object } from "./objects.ts";
import { taken, type Upload } from "./upload.ts";
import { completeUpload, type Part, shown } from "./uploads.ts";

/** What one publish is about. */
export interface Publication {
  readonly upload: Upload;
  /** Of the final name. */
  readonly key: string;
  /** Whether that is the declared one, which the fence is about. */
  readonly isDeclared: boolean;
  readonly options: PublishOptions;
  /** Whether the server keeps all conditions of writes. */
  readonly isFenced: boolean;
}

/** `unsupported` for what S3 has no place for, before anything happens. */
export function assertPublishable({ name, mtimeMs, mode }: PublishOptions): void {
  safeName(name);
  const what = mtimeMs !== null ? "a time of its own" : mode !== null ? "permission bits" : null;
  if (what === null) return;
  const message = `cannot publish ${name}: an object has no ${what}; leave them out`;
  throw new ProtocolError("unsupported", message, { definite: true });
}

/** Publishes; an error that is not `definite` may have published. */
export async function publishUpload(
  client: S3Client,
  publication: Publication,
): Promise<DestinationFacts> {
  const { upload, key } = publication;
  const { parts, tail } = await upload.finished();
  const size = upload.size;
  const facts = { size, mtimeMs: null, fileId: upload.facts.fileId };
  await assertFree(client, publication);
  try {
    if (upload.uploadId === null) {
      await putObject(client, key, tail, upload.tailBytes, {
        action: `publish ${shown(client, key)}`,
        headers: {
          ...client.place.makingHeaders,
          ...conditionOf(client, publication),
          [FILE_ID_HEADER]: upload.facts.fileId,
        },
        checksum: client.place.checksum,
        signal: null,
      });
    } else await complete(client, publication, upload.uploadId, parts);
    return facts;
  } catch (thrown) {
    return await afterRefusal(client, publication, facts, thrown);
  }
}

async function complete(
  client: S3Client,
  publication: Publication,
  uploadId: string,
  parts: readonly Part[],
): Promise<void> {
  const { upload } = publication;
  if (publication.key !== upload.facts.key) throw bound(publication);
  const place = { key: upload.facts.key, uploadId };
  const sent = parts.reduce((sum, { size }) => sum + size, 0);
  if (sent !== upload.size || parts.some(({ number }, index) => number !== index + 1)) {
    throw new ProtocolError("io", `cannot publish ${upload.facts.temp}: a part of it is missing`);
  }
  await completeUpload(client, place, parts, conditionOf(client, publication));
}

function bound({ upload, options }: Publication): ProtocolError {
  const message =
    `cannot publish ${upload.facts.temp} as ${options.name}: an upload in parts is bound to the ` +
    'name that it was begun for; use conflict "fail" or "overwrite", or declare another name';
  return new ProtocolError("unsupported", message, { definite: true });
}

/** Which version, or none, the final name must hold at the moment of publishing. */
function conditionOf(
  client: S3Client,
  { upload, isDeclared, options, isFenced }: Publication,
): Readonly<Record<string, string>> {
  const { base } = upload.facts;
  if (isDeclared && isFenced && options.replace && base !== null) return { "if-match": base };
  const isForFree = !options.replace || (isDeclared && isFenced);
  // Some servers answer 501 to conditions that they do not know.
  return isForFree && keepsFree(client, upload) ? { "if-none-match": "*" } : {};
}

function keepsFree({ service: { abilities } }: S3Client, { uploadId }: Upload): boolean {
  return (uploadId === null ? abilities.createsOnly : abilities.completesOnly) === true;
}

/** Where the server keeps no conditions, looking is all that can be done. */
async function assertFree(client: S3Client, publication: Publication): Promise<void> {
  const { key, options, upload } = publication;
  if (options.replace || keepsFree(client, upload)) return;
  const standing = await headObject(client, key, `look at ${shown(client, key)}`, null);
  if (standing !== null && standing.fileId !== upload.facts.fileId) throw refused(publication);
}

/** A refusal may answer a try that came after the one that did it: the object itself tells. */
async function afterRefusal(
  client: S3Client,
  publication: Publication,
  facts: DestinationFacts,
  thrown: unknown,
): Promise<DestinationFacts> {
  const isRefused = isUnmet(thrown) || isMissing(thrown);
  if (!isRefused) throw thrown;
  const { key, upload } = publication;
  const standing = await headObject(client, key, `look at ${shown(client, key)}`, null)
    .catch((): S3Object => {
      throw thrown;
    });
  if (standing?.fileId === facts.fileId) return facts;
  throw isUnmet(thrown) ? refused(publication) : taken("publish", upload);
}

function refused({ upload, options }: Publication): ProtocolError {
  const { temp } = upload.facts;
  if (!options.replace) {
    const message = `cannot publish ${temp} as ${options.name}: the name is taken`;
    return new ProtocolError("exists", message, { definite: true });
  }
  const message =
    `cannot publish ${temp} as ${options.name}: another version stands there than when it was ` +
    "begun; start over";
  return new ProtocolError("changed", message, { definite: true });
}
