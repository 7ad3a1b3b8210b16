/** Situations of a WebDAV server in memory, in a simulated world of its own. */

import { webdavProtocol } from "../../../protocols/webdav/protocol.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";
import { DavPaper, type DavQuirks } from "../../servers/dav_paper.ts";
import type { DigestGuard } from "../../servers/digest_guard.ts";

/** A server and a client that reaches it. */
export function paperHarness(quirks: DavQuirks = {}, guard: DigestGuard | null = null): Harness & {
  readonly server: DavPaper;
  readonly world: World;
} {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new DavPaper(quirks);
  server.makeDirectory("/data");
  if (guard !== null) server.intercept = (request) => guard.judge(request);
  world.serve("paper", server.handle);
  const path = (name: string) => `/data/${name}`;
  const uri = (name: string) =>
    `dav://paper${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(server.put(path(name), bytes));
  const auth = guard === null ? null : { type: "digest", ...guard.user } as const;
  const options = quirks.partial === undefined ? {} : { partial: quirks.partial };
  return {
    protocol: webdavProtocol(),
    server,
    world,
    context: { env },
    source: { uri, put, endpoint: { auth } },
    sink: {
      uri,
      put,
      endpoint: { options, auth },
      published: (name) => Promise.resolve(server.files.get(path(name))?.bytes ?? null),
      directories: true,
    },
    directory: { uri, put, endpoint: { auth } },
    run: (body) => world.complete(body()),
    close: () => Promise.resolve(),
  };
}
