/**
 * A blob at a temporary name that says for which final name its blocks are, where that is not the
 * declared one: blocks are found by the blob that they belong to, and by nothing else.
 */

import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { AzureClient } from "./client.ts";
import { isBlobName } from "./endpoint.ts";

/** One marker. */
export interface MarkerPlace {
  /** Of the temporary name. */
  readonly path: string;
  /** Verb and object. */
  readonly action: string;
}

/** Says at a temporary name which final one is meant. */
export async function writeMarker(
  client: AzureClient,
  { path, action }: MarkerPlace,
  name: string,
): Promise<void> {
  const headers = { "x-ms-blob-type": "BlockBlob", "x-ms-blob-content-type": "text/plain" };
  const body = new TextEncoder().encode(name);
  const request = { method: "PUT", path, action, headers, body, isContent: true } as const;
  await client.ask({ ...request, isRepeatable: true }, [201], null);
}

/** The final name, `null` where no marker stands. */
export async function readMarker(
  client: AzureClient,
  { path, action }: MarkerPlace,
  signal: AbortSignal | null,
): Promise<string | null> {
  try {
    const request = { method: "GET", path, action, isContent: true } as const;
    const { text } = await client.ask(request, [200], signal, protocolLimits.httpHeaderMaxBytes);
    return isBlobName(text) ? text : null;
  } catch (thrown) {
    if (thrown instanceof ProtocolError && thrown.code === "notFound") return null;
    throw thrown;
  }
}

/** Takes it away; one that is gone is no error. */
export async function removeMarker(
  client: AzureClient,
  { path, action }: MarkerPlace,
): Promise<void> {
  const request = { method: "DELETE", path, action, isRepeatable: true } as const;
  await client.ask(request, [202, 404], null);
}
