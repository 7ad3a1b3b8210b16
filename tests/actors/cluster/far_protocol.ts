/** A protocol's files under another scheme: what an agent reaches that does not speak the first one. */

import type { TransferProtocol } from "../../../protocols/contract.ts";

/** `far:` URIs for the files of a `memory:` protocol; a single file's source and sink. */
export function farProtocol(memory: TransferProtocol): TransferProtocol {
  const near = <E extends { readonly uri: string }>(endpoint: E): E => ({
    ...endpoint,
    uri: endpoint.uri.replace(/^far:/, "memory:"),
  });
  return {
    name: "far",
    schemes: ["far"],
    source: (endpoint, context) => memory.source!(near(endpoint), context),
    sink: (endpoint, context) => memory.sink!(near(endpoint), context),
  };
}
