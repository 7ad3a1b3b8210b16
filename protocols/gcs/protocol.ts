/** The transfer protocol of Google Cloud Storage. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { GcsClient } from "./client.ts";
import { GCS_CREDENTIALS, GCS_OPTIONS, gcsPlaceOf } from "./endpoint.ts";
import { GCS_DIRECTORY, GcsDirectory } from "./entries.ts";
import { GCS_SINK, GcsSink } from "./sink.ts";
import { GCS_SOURCE, GcsSource } from "./source.ts";
import { type GcsMachine, TokenRing } from "./tokens.ts";
import { GcsUploads } from "./upload.ts";

/** A machine without an environment: the file of credentials must be declared. */
const NO_MACHINE: GcsMachine = { variable: () => undefined };

/** `gs:` URIs, as source, sink and directory, by the JSON interface of the service. */
export function gcsProtocol(machine: GcsMachine = NO_MACHINE): TransferProtocol {
  const tokens = new TokenRing(machine);
  const uploads = new GcsUploads();
  const client = (endpoint: Endpoint, { env }: ProtocolContext) =>
    new GcsClient(env, gcsPlaceOf(endpoint), endpoint, tokens);
  return {
    name: "gcs",
    schemes: ["gs"],
    credentials: GCS_CREDENTIALS,
    description: {
      summary: "objects of Google Cloud Storage",
      source: GCS_SOURCE,
      sink: GCS_SINK,
      directory: GCS_DIRECTORY,
      options: GCS_OPTIONS,
    },
    source: (endpoint, context) => new GcsSource(client(endpoint, context)),
    sink: (endpoint, context) => new GcsSink(client(endpoint, context), endpoint, uploads),
    directory: (endpoint, context) => new GcsDirectory(client(endpoint, context)),
    close: () => Promise.resolve(uploads.clear()),
  };
}
