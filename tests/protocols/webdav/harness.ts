/** Situations of a WebDAV server in memory, in a simulated world of its own. */

import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";
import { DavPaper, type DavQuirks } from "../../servers/dav_paper.ts";

/** A server and a client that reaches it. */
export function paperHarness(quirks: DavQuirks = {}): Harness & {
  readonly server: DavPaper;
  readonly world: World;
} {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new DavPaper(quirks);
  server.makeDirectory("/data");
  world.serve("paper", server.handle);
  const path = (name: string) => `/data/${name}`;
  const uri = (name: string) =>
    `dav://paper${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(server.put(path(name), bytes));
  const options = quirks.partial === undefined ? {} : { partial: quirks.partial };
  return {
    protocol: webdavProtocol(),
    server,
    world,
    context: { env },
    source: { uri, put },
    sink: {
      uri,
      put,
      endpoint: { options },
      published: (name) => Promise.resolve(server.files.get(path(name))?.bytes ?? null),
      directories: true,
    },
    directory: { uri, put },
    run: (body) => world.complete(body()),
    close: () => Promise.resolve(),
  };
}
