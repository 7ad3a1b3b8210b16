/** Uploads to a server in memory, on virtual time. */

import type { Sink, SinkEndpoint, TransferProtocol } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { httpProtocol } from "../../../protocols/http/http.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { DavPaper, type DavQuirks } from "../../servers/dav_paper.ts";

/** What a test works with. */
export interface Uploading {
  readonly server: DavPaper;
  readonly world: World;
  readonly env: SimulatedEnv;
  /** A sink of the file `a.bin`, or of another URI. */
  sink(endpoint?: Partial<SinkEndpoint>): Sink;
}

/** Runs `body` against a fresh server at `http://paper`, whose directory `/data` is there. */
export async function uploading(
  quirks: DavQuirks,
  body: (place: Uploading) => Promise<void>,
  protocol: TransferProtocol = httpProtocol(),
): Promise<void> {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new DavPaper(quirks);
  server.makeDirectory("/data");
  world.serve("paper", server.handle);
  const sink = (endpoint: Partial<SinkEndpoint> = {}) =>
    protocol.sink!({
      ...plainEndpoint("http://paper/data/a.bin"),
      ...{ createDirectories: false, root: null, sync: true },
      ...endpoint,
    }, { env });
  await world.complete(body({ server, world, env, sink }));
}

/** What publishing is asked for, unless a test is about it. */
export const PUBLISH = { name: "a.bin", replace: true, mtimeMs: null, mode: null } as const;
