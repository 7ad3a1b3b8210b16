/** Uploads before the conformance suite: a place that takes PUT, with and without conditions. */

import { httpProtocol } from "../../../protocols/http/http.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { conformance } from "../../conformance/suite.ts";
import type { Harness } from "../../conformance/harness.ts";
import { DavPaper } from "../../servers/dav_paper.ts";

function uploadHarness(conditional: boolean): Harness {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new DavPaper();
  server.makeDirectory("/data");
  world.serve("paper", server.handle);
  return {
    protocol: httpProtocol(),
    context: { env },
    sink: {
      uri: (name) => `http://paper/data/${name.split("/").map(encodeURIComponent).join("/")}`,
      put: (name, bytes) => Promise.resolve(server.put(`/data/${name}`, bytes)),
      endpoint: { options: { conditional } },
      published: (name) => Promise.resolve(server.files.get(`/data/${name}`)?.bytes ?? null),
    },
    run: (body) => world.complete(body()),
    close: () => Promise.resolve(),
  };
}

conformance("http upload", () => Promise.resolve(uploadHarness(false)));
conformance("http conditional upload", () => Promise.resolve(uploadHarness(true)));
