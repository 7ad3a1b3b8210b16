/** The request that makes a temporary file of Azure Blob the final one. */

import type { DestinationFacts, PublishOptions } from "../contract.ts";
import { ProtocolError } from "../errors.ts";
import { parseHttpDate } from "../http/fields.ts";
import { md5 } from "../objects/md5.ts";
import { publishing } from "../objects/publishing.ts";
import { blockListOf } from "./blocks.ts";
import type { AzureClient, AzureRequest } from "./client.ts";
import { MTIME_METADATA, UPLOAD_METADATA } from "./facts.ts";
import type { AzureSinkFile } from "./sink_file.ts";

/** What one publish is about. */
export interface Publication {
  readonly file: AzureSinkFile;
  readonly options: PublishOptions;
  /** Of the final blob. */
  readonly path: string;
  readonly action: string;
  /** What stands there, `null` unless it is this very file. */
  readonly look: () => Promise<DestinationFacts | null>;
}

/** Puts the blob whole or commits its blocks, unless another one was published since the upload began. */
export async function published(
  client: AzureClient,
  publication: Publication,
): Promise<DestinationFacts> {
  const { file, options, action, path } = publication;
  const request = file.isInMemory ? wholeBlob(publication) : blockList(publication);
  const headers = {
    ...request.headers,
    ...conditionOf(publication),
    ...propertiesOf(client, publication),
  };
  const sent = { ...request, method: "PUT", path, action, isContent: true, headers } as const;
  try {
    return await publishing(client.env, {
      send: async () => {
        const answer = await client.ask(sent, [201], null);
        const mtimeMs = options.mtimeMs ?? parseHttpDate(answer.headers.get("last-modified") ?? "");
        return { size: file.position, mtimeMs, fileId: file.fileId };
      },
      look: publication.look,
      unresolved: () => file.isUnresolved = true,
    });
  } catch (thrown) {
    throw refusal(publication, headers, thrown);
  }
}

type Body = Pick<AzureRequest, "query" | "body"> & { readonly headers: Record<string, string> };

function wholeBlob({ file }: Publication): Body {
  const body = file.pending;
  const running = md5();
  running.update(body);
  const headers = { "x-ms-blob-type": "BlockBlob", "content-md5": running.digestBase64() };
  return { body, headers };
}

function blockList({ file }: Publication): Body {
  const body = new TextEncoder().encode(blockListOf(file.parts.upload, file.blocks));
  const digest = file.takeMd5();
  const headers: Record<string, string> = digest === null
    ? {}
    : { "x-ms-blob-content-md5": digest };
  return { query: { comp: "blocklist" }, body, headers };
}

/** Nobody has published since: neither where nothing stood, nor over what stood. */
function conditionOf({ file, options }: Publication): Record<string, string> {
  const { baseEtag, name } = file.parts;
  const isLookedAt = options.name === name;
  if (!options.replace || (isLookedAt && baseEtag === null)) return { "if-none-match": "*" };
  return isLookedAt && baseEtag !== null ? { "if-match": baseEtag } : {};
}

function propertiesOf(
  { place: { options } }: AzureClient,
  { file, options: { mtimeMs } }: Publication,
): Record<string, string> {
  const { accessTier, encryptionScope, contentType = "application/octet-stream" } = options;
  const mtime = mtimeMs === null ? null : new Date(mtimeMs).toISOString();
  return {
    "x-ms-blob-content-type": contentType,
    [`x-ms-meta-${UPLOAD_METADATA}`]: file.fileId,
    ...(mtime === null ? {} : { [`x-ms-meta-${MTIME_METADATA}`]: mtime }),
    ...(accessTier === undefined ? {} : { "x-ms-access-tier": accessTier }),
    ...(encryptionScope === undefined ? {} : { "x-ms-encryption-scope": encryptionScope }),
  };
}

/** A condition that did not hold is no fault of the service: the name is taken, or was taken over. */
function refusal(
  { action }: Publication,
  headers: Record<string, string>,
  thrown: unknown,
): unknown {
  if (!(thrown instanceof ProtocolError) || !thrown.definite) return thrown;
  if (thrown.code !== "changed" && thrown.code !== "exists") return thrown;
  const isNew = headers["if-none-match"] !== undefined;
  const reason = isNew ? "the name is taken" : "another one was published there since this began";
  return new ProtocolError(isNew ? "exists" : "changed", `cannot ${action}: ${reason}`, {
    cause: thrown,
    retryable: false,
    details: thrown.details,
  });
}
