/** The transfer protocol of local files. */

import type { TransferProtocol } from "../contract.ts";
import { DurableNames } from "./directories.ts";
import { directoryPath } from "../path_uri.ts";
import { DIRECTORY_CAPABILITIES, FileDirectory } from "./entries.ts";
import { FileSink, sinkCapabilities } from "./sink.ts";
import { fileSource, SOURCE_CAPABILITIES } from "./source.ts";
import { pathOfFileUri } from "./uri.ts";

/** `file:` URIs, as source and sink, on the node's own disk. */
export function fileProtocol(): TransferProtocol {
  const durableNames = new DurableNames();
  return {
    name: "file",
    schemes: ["file"],
    description: {
      summary: "files on the disks of the agent",
      source: SOURCE_CAPABILITIES,
      sink: sinkCapabilities({ sync: true }),
      directory: DIRECTORY_CAPABILITIES,
      options: {},
    },
    source: (endpoint, { env }) => fileSource(env.disk, pathOfFileUri(endpoint.uri)),
    sink: (endpoint, { env }) => new FileSink(endpoint, env, durableNames),
    directory: ({ uri }, { env }) => new FileDirectory(env.disk, directoryPath(pathOfFileUri(uri))),
  };
}
