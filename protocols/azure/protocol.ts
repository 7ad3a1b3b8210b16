/** The transfer protocol of Azure Blob Storage. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { protocolLimits } from "../limits.ts";
import { PartRoom } from "../s3/part_room.ts";
import { AzureClient } from "./client.ts";
import { AZURE_CREDENTIALS, AZURE_OPTIONS, azurePlaceOf } from "./endpoint.ts";
import { AZURE_DIRECTORY, AzureDirectory } from "./entries.ts";
import { AZURE_SINK, AzureSink } from "./sink.ts";
import { AZURE_SOURCE, AzureSource } from "./source.ts";

/** `azblob:` URIs, as source, sink and directory: block blobs by the REST interface of the service. */
export function azureProtocol(): TransferProtocol {
  const room = new PartRoom(protocolLimits.objectRoomBytes);
  const client = (endpoint: Endpoint, { env }: ProtocolContext) =>
    new AzureClient(env, azurePlaceOf(endpoint), endpoint);
  return {
    name: "azure",
    schemes: ["azblob"],
    credentials: AZURE_CREDENTIALS,
    description: {
      summary: "block blobs of Azure Storage accounts",
      source: AZURE_SOURCE,
      sink: AZURE_SINK,
      directory: AZURE_DIRECTORY,
      options: AZURE_OPTIONS,
    },
    source: (endpoint, context) => new AzureSource(client(endpoint, context)),
    sink: (endpoint, context) => new AzureSink(client(endpoint, context), endpoint, room),
    directory: (endpoint, context) => new AzureDirectory(client(endpoint, context)),
  };
}
