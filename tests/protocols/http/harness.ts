/** The http source before the conformance suite: a server of our own, or any folder that is served. */

import { httpProtocol } from "../../../protocols/http/http.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import type { Harness, SourceHarness } from "../../conformance/harness.ts";
import { type FileServerOptions, startFileServer } from "../../servers/file_server.ts";
import { bytesFile } from "../../servers/pattern.ts";
import { identity, pem } from "../../servers/tls_files.ts";

/** A fresh file server, over http or https. */
export function fileServerHarness(
  tls: boolean,
  options: Partial<FileServerOptions> = {},
): Promise<Harness> {
  const server = startFileServer({
    files: new Map(),
    ...(tls ? { tls: identity("server") } : {}),
    ...options,
  });
  const path = (name: string) => `/${name}`;
  const source: SourceHarness = {
    uri: (name) => server.url(path(name)),
    endpoint: tls ? { tls: { caCerts: [pem("ca")] } } : {},
    put: (name, bytes) => Promise.resolve(server.put(path(name), bytesFile(bytes))),
    truncate: (name, atBytes) => {
      server.cut(path(name), atBytes);
      return Promise.resolve(() => Promise.resolve());
    },
    // A byte after Content-Length never reaches the file: what can be seen is that the file grew.
    oneByteMore: (name) => {
      const file = server.file(path(name))!;
      const grown = { ...file, size: file.size + 1, etag: '"grown"' };
      return Promise.resolve(() => Promise.resolve(server.put(path(name), grown)));
    },
    noLength: (name) => Promise.resolve(server.serve(path(name), { announceLength: false })),
    noRanges: (name) => Promise.resolve(server.serve(path(name), { ranges: false })),
    deny: (name) => Promise.resolve(server.refuse(path(name), 403, {}, Infinity)),
    stall: (name, atBytes) =>
      Promise.resolve(server.serve(path(name), { stallAfterBytes: atBytes })),
  };
  return Promise.resolve(httpHarness(source, server.close));
}

/** A harness round a source harness. */
export function httpHarness(source: SourceHarness, close: () => Promise<void>): Harness {
  const env = realEnv();
  return {
    protocol: httpProtocol(),
    context: { env },
    source,
    close: async () => {
      env.close();
      await close();
    },
  };
}
