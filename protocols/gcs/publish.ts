/** The request that makes a temporary file of Google's store the final object. */

import type { DestinationFacts, PublishOptions } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { otherBytes, publishing } from "../objects/publishing.ts";
import type { GcsClient } from "./client.ts";
import {
  destinationFactsOf,
  type GcsObject,
  MTIME_METADATA,
  OBJECT_FIELDS,
  objectIn,
  UPLOAD_METADATA,
} from "./facts.ts";
import { type ObjectProperties, resourceOf, uploadTarget } from "./session.ts";
import type { GcsUpload } from "./upload.ts";
import { jsonOf } from "./tokens.ts";

/** What one publish is about. */
export interface Publication {
  readonly upload: GcsUpload;
  readonly options: PublishOptions;
  /** Of the final name. */
  readonly object: string;
  readonly action: string;
  /** What stands there, `null` unless it is this very file. */
  readonly look: () => Promise<GcsObject | null>;
}

/** Makes the object, unless another one was made since the upload began. */
export async function published(
  client: GcsClient,
  publication: Publication,
): Promise<DestinationFacts> {
  const { upload, look } = publication;
  const unresolved = () => void (upload.isUnresolved = true);
  const send = () => upload.isInMemory ? putWhole(client, publication) : finishSession(publication);
  try {
    const made = await publishing(client.env, { send, look, unresolved });
    return destinationFactsOf(await timed(client, publication, made));
  } catch (thrown) {
    throw refusal(publication, thrown);
  }
}

/** A file of one chunk: metadata and bytes in one request (multipart/related, RFC 2387). */
async function putWhole(client: GcsClient, publication: Publication): Promise<GcsObject> {
  const { upload, options, object, action } = publication;
  const crc32c = upload.crc;
  const mtime = mtimeOf(options);
  const properties: ObjectProperties = {
    object,
    generation: generationOf(publication),
    metadata: { [UPLOAD_METADATA]: upload.facts.fileId, ...mtime },
  };
  const boundary = `quorus-${upload.facts.fileId.replace(/[^a-z0-9]/gi, "")}`;
  const resource = JSON.stringify({ ...resourceOf(client, properties), crc32c });
  const head =
    `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${resource}\r\n` +
    `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`;
  const body = joined(head, upload.pending, `\r\n--${boundary}--\r\n`);
  const { text } = await client.ask(
    {
      method: "POST",
      ...uploadTarget(client, "multipart", properties),
      headers: { "content-type": `multipart/related; boundary=${boundary}` },
      body,
      action,
    },
    [200, 201],
    null,
  );
  return checked(publication, objectIn(action, jsonOf(text)), crc32c);
}

async function finishSession(publication: Publication): Promise<GcsObject> {
  const { upload } = publication;
  const session = await upload.session();
  const crc = upload.crc;
  const made = await session.finish(upload.sentBytes, upload.pending, crc);
  return checked(publication, made, crc);
}

/** A session knows its metadata when it begins, and the time only now. */
async function timed(
  client: GcsClient,
  { upload, options, object, action }: Publication,
  made: GcsObject,
): Promise<GcsObject> {
  if (upload.isInMemory || options.mtimeMs === null) return made;
  try {
    const { text } = await client.ask(
      {
        method: "PATCH",
        target: client.resource(object),
        query: { ifGenerationMatch: made.generation, fields: OBJECT_FIELDS },
        headers: { "content-type": "application/json; charset=UTF-8" },
        body: new TextEncoder().encode(JSON.stringify({ metadata: mtimeOf(options) })),
        action,
      },
      [200],
      null,
    );
    return objectIn(action, jsonOf(text));
  } catch (thrown) {
    const message = `cannot ${action} to its end: it is there, but without its time`;
    throw new ProtocolError("io", message, { cause: thrown, definite: false });
  }
}

/** The generation that the name must have; `null` if any will do. */
function generationOf({ upload, options }: Publication): string | null {
  if (!options.replace) return "0";
  return options.name === upload.facts.name ? upload.facts.base : null;
}

function mtimeOf({ mtimeMs }: PublishOptions): Record<string, string> {
  return mtimeMs === null ? {} : { [MTIME_METADATA]: new Date(mtimeMs).toISOString() };
}

/** The service refuses bytes that were damaged on the way; one that does not is found here. */
function checked({ upload, action }: Publication, made: GcsObject, crc: string): GcsObject {
  const isOurs = made.size === upload.size && (made.crc32c === undefined || made.crc32c === crc);
  if (isOurs) return made;
  throw otherBytes(action, "the service has other bytes than it was sent");
}

function refusal({ upload, options, action }: Publication, thrown: unknown): unknown {
  const isUnmet = thrown instanceof ProtocolError && thrown.code === "changed" && thrown.definite;
  if (!isUnmet) return thrown;
  const isNew = !options.replace || upload.facts.base === "0";
  const reason = isNew ? "the name is taken" : "another one was published there since this began";
  return new ProtocolError(isNew ? "exists" : "changed", `cannot ${action}: ${reason}`, {
    cause: thrown,
    retryable: false,
    details: thrown.details,
  });
}

function joined(head: string, bytes: Uint8Array, foot: string): Uint8Array {
  const [before, after] = [new TextEncoder().encode(head), new TextEncoder().encode(foot)];
  const all = new Uint8Array(before.length + bytes.length + after.length);
  all.set(before);
  all.set(bytes, before.length);
  all.set(after, before.length + bytes.length);
  return all;
}
