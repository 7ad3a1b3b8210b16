/** The request that makes a temporary file the final one, and what became of it. */

import type { Block } from "../../runtime/env/env.ts";
import { safeName } from "../containment.ts";
import type { DestinationFacts, PublishOptions } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { publishing } from "../objects/publishing.ts";
import type { S3Client } from "./client.ts";
import { isMissing, isUnmet, S3Refusal } from "./failure.ts";
import { FILE_ID_HEADER, headObject, putObject } from "./objects.ts";
import { taken, type Upload } from "./upload.ts";
import { completeUpload, type Part, shown } from "./uploads.ts";

/** What one publish is about. */
export interface Publication {
  readonly upload: Upload;
  /** Of the final name. */
  readonly key: string;
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
  const { size, facts: { fileId } } = upload;
  const facts = { size, mtimeMs: null, fileId };
  const action = `look at ${shown(client, key)}`;
  const look = async () =>
    (await headObject(client, key, action, null))?.fileId === fileId ? facts : null;
  let finished: Awaited<ReturnType<Upload["finished"]>>;
  try {
    finished = await upload.finished();
  } catch (thrown) {
    // A completion that an earlier process sent may have landed meanwhile: then the upload is gone.
    const standing = isMissing(thrown) && !upload.isTaken ? await look() : null;
    if (standing !== null) return standing;
    throw thrown;
  }
  const { parts, tail } = finished;
  await assertFree(client, publication);
  const { uploadId } = upload;
  if (uploadId !== null) assertComplete(publication, parts);
  try {
    return await publishing(client.env, {
      send: async () => {
        if (uploadId === null) await put(client, publication, tail);
        else await complete(client, publication, uploadId, parts);
        return facts;
      },
      look,
      unresolved: () => upload.leaveUnresolved(),
    });
  } catch (thrown) {
    throw refusal(publication, thrown);
  }
}

async function put(client: S3Client, publication: Publication, tail: Block): Promise<void> {
  const { upload, key } = publication;
  await putObject(client, key, tail, upload.tailBytes, {
    action: `publish ${shown(client, key)}`,
    headers: {
      ...client.place.makingHeaders,
      ...conditionOf(client, publication),
      [FILE_ID_HEADER]: upload.facts.fileId,
    },
    checksum: client.place.checksum,
    signal: null,
    isOnce: true,
  });
}

async function complete(
  client: S3Client,
  publication: Publication,
  uploadId: string,
  parts: readonly Part[],
): Promise<void> {
  const place = { key: publication.key, uploadId };
  await completeUpload(client, place, parts, conditionOf(client, publication), true);
}

function assertComplete(publication: Publication, parts: readonly Part[]): void {
  const { upload } = publication;
  if (publication.key !== upload.facts.key) throw bound(publication);
  const sent = parts.reduce((sum, { size }) => sum + size, 0);
  if (sent !== upload.size || parts.some(({ number }, index) => number !== index + 1)) {
    throw new ProtocolError("io", `cannot publish ${upload.facts.temp}: a part of it is missing`);
  }
}

function bound({ upload, options }: Publication): ProtocolError {
  const message = `cannot publish ${upload.facts.temp} as ${options.name}: an upload in parts is ` +
    `bound to the name that it was begun for, which is ${upload.facts.name}`;
  return new ProtocolError("unsupported", message, { definite: true });
}

/** Which version, or none, the final name must hold at the moment of publishing. */
function conditionOf(
  client: S3Client,
  { upload, key, options, isFenced }: Publication,
): Readonly<Record<string, string>> {
  const { base } = upload.facts;
  const isLookedAt = key === upload.facts.key;
  if (isLookedAt && isFenced && options.replace && base !== null) return { "if-match": base };
  const isForFree = !options.replace || (isLookedAt && isFenced);
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

/** A refusal in the words of who publishes; the name was looked at, and is somebody else's. */
function refusal(publication: Publication, thrown: unknown): unknown {
  if (!(thrown instanceof S3Refusal) || !thrown.definite) return thrown;
  const { s3Code } = thrown;
  if (isUnmet(thrown)) return refused(publication);
  if (!isMissing(thrown) || s3Code === "NoSuchBucket") return thrown;
  // To `If-Match` where nothing stands any more, and to the completion of an upload that is gone.
  const { upload } = publication;
  return upload.uploadId === null ? refused(publication) : taken("publish", upload);
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
