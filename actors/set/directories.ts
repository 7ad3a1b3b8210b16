/** The directories of a set's two ends, reached as its files are. */

import type { Endpoint, TransferProtocol } from "../../protocols/contract.ts";
import type { Directory } from "../../protocols/directory.ts";
import { plainEndpoint } from "../../protocols/endpoint.ts";
import { ProtocolError } from "../../protocols/errors.ts";
import type { TransferSpec } from "../../workflows/spec.ts";
import { endpointOf } from "../job/ends.ts";
import type { AttemptTools } from "../job/tools.ts";
import { uriBelow } from "./file.ts";

/** The directory at these names below one end of a set. */
export type OpenDirectory = (path: readonly string[]) => Directory;

/** Prepares the source's directories; `unsupported` where its protocol lists none. */
export async function sourceDirectories(
  tools: AttemptTools,
  { source }: TransferSpec,
): Promise<OpenDirectory> {
  const endpoint = await endpointOf(source.uri, source, tools.reveal);
  return opener(tools, endpoint, "read the source");
}

/** Prepares the destination's directories; `unsupported` where its protocol lists none. */
export async function destinationDirectories(
  tools: AttemptTools,
  { destination }: TransferSpec,
): Promise<OpenDirectory> {
  const { uri, access } = destination;
  const endpoint = access === undefined
    ? plainEndpoint(uri)
    : await endpointOf(uri, access, tools.reveal);
  return opener(tools, endpoint, "look through the destination");
}

function opener(tools: AttemptTools, endpoint: Endpoint, what: string): OpenDirectory {
  const protocol = tools.protocols.forUri(endpoint.uri);
  if (protocol.directory === undefined) throw unlisted(protocol, endpoint.uri, what);
  return (path) => {
    const below = path.length === 0 ? endpoint.uri : `${uriBelow(endpoint.uri, path)}/`;
    return protocol.directory!({ ...endpoint, uri: below }, { env: tools.env });
  };
}

function unlisted({ name }: TransferProtocol, uri: string, what: string): ProtocolError {
  return new ProtocolError(
    "unsupported",
    `cannot ${what} ${uri}: the directories of ${name} cannot be listed; name single files`,
  );
}
