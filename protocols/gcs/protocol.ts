/** The transfer protocol of Google Cloud Storage. */

import type { Endpoint, ProtocolContext, TransferProtocol } from "../contract.ts";
import { s3Protocol } from "../s3/protocol.ts";
import { GcsClient } from "./client.ts";
import { GCS_CREDENTIALS, GCS_OPTIONS, gcsPlaceOf } from "./endpoint.ts";
import { GCS_DIRECTORY, GcsDirectory } from "./entries.ts";
import { HmacDirectory, hmacSink, hmacSource, isHmac } from "./hmac.ts";
import { GCS_SINK, GcsSink } from "./sink.ts";
import { GCS_SOURCE, GcsSource } from "./source.ts";
import { type GcsMachine, TokenRing } from "./tokens.ts";
import { GcsUploads } from "./upload.ts";

/** A machine without an environment: the file of credentials must be declared. */
const NO_MACHINE: GcsMachine = { variable: () => undefined };

/** `gs:` URIs, as source, sink and directory, by the JSON interface of the service; with HMAC keys by its XML one. */
export function gcsProtocol(machine: GcsMachine = NO_MACHINE): TransferProtocol {
  const tokens = new TokenRing(machine);
  const uploads = new GcsUploads();
  const s3 = s3Protocol();
  const client = (endpoint: Endpoint, { env }: ProtocolContext) =>
    new GcsClient(env, gcsPlaceOf(endpoint), endpoint, tokens);
  return {
    name: "gcs",
    schemes: ["gs"],
    credentials: [...GCS_CREDENTIALS, "accessKey"],
    description: {
      summary: "objects of Google Cloud Storage",
      source: GCS_SOURCE,
      sink: GCS_SINK,
      directory: GCS_DIRECTORY,
      options: GCS_OPTIONS,
    },
    source: (endpoint, context) =>
      isHmac(endpoint)
        ? hmacSource(s3, endpoint, context)
        : new GcsSource(client(endpoint, context)),
    sink: (endpoint, context) =>
      isHmac(endpoint)
        ? hmacSink(s3, endpoint, context)
        : new GcsSink(client(endpoint, context), endpoint, uploads),
    directory: (endpoint, context) =>
      isHmac(endpoint)
        ? new HmacDirectory(s3, endpoint, context)
        : new GcsDirectory(client(endpoint, context)),
    close: async () => {
      uploads.clear();
      await s3.close!();
    },
  };
}
