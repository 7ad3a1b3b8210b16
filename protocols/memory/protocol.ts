/** The transfer protocol of files in memory: for simulation, virtual runs and tests of embedders. */

import type { TransferProtocol } from "../contract.ts";
import { directoryPath, pathOfUri, uriOfPath } from "../path_uri.ts";
import { DIRECTORY_CAPABILITIES, MemoryDirectory } from "./entries.ts";
import { MemorySink } from "./sink.ts";
import { memorySource, sourceCapabilities } from "./source.ts";
import type { MemoryStore } from "./store.ts";

/** `memory:` URIs, as source and sink, on one store. */
export function memoryProtocol(store: MemoryStore): TransferProtocol {
  return {
    name: "memory",
    schemes: ["memory"],
    description: {
      summary: "files in memory, for simulation and tests",
      source: sourceCapabilities(store),
      sink: store.sinkCapabilities,
      directory: DIRECTORY_CAPABILITIES,
      options: {},
    },
    source: ({ uri, idleTimeoutMs }, { env }) =>
      memorySource({ store, client: env, path: pathOfUri("memory", uri), idleTimeoutMs }),
    sink: (endpoint, { env }) => new MemorySink(store, endpoint, env),
    directory: ({ uri }, { env }) =>
      new MemoryDirectory(store, env, directoryPath(pathOfUri("memory", uri))),
  };
}

/** The `memory:` URI of an absolute path. */
export function memoryUriOf(path: string): string {
  return uriOfPath("memory", path);
}
