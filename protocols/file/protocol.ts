/** The transfer protocol of local files. */

import type { TransferProtocol } from "../contract.ts";
import { DurableNames } from "./directories.ts";
import { directoryPath } from "../path_uri.ts";
import { FileDirectory } from "./entries.ts";
import { FileSink } from "./sink.ts";
import { fileSource } from "./source.ts";
import { pathOfFileUri } from "./uri.ts";

/** `file:` URIs, as source and sink, on the node's own disk. */
export function fileProtocol(): TransferProtocol {
  const durableNames = new DurableNames();
  return {
    name: "file",
    schemes: ["file"],
    source: (endpoint, { env }) => fileSource(env.disk, pathOfFileUri(endpoint.uri)),
    sink: (endpoint, { env }) => new FileSink(endpoint, env, durableNames),
    directory: ({ uri }, { env }) => new FileDirectory(env.disk, directoryPath(pathOfFileUri(uri))),
  };
}
