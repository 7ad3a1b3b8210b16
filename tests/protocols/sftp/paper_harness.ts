/** Situations of a server in memory, in a simulated world of its own. */

import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { sftpProtocol } from "../../../protocols/sftp/protocol.ts";
import type { Source } from "../../../protocols/contract.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";
import { type PaperQuirks, PaperServer } from "./paper_server.ts";

export const AUTH = { type: "basic", username: "u", password: "p" } as const;

/** A server and a client that reaches it without SSH. */
export function paperHarness(
  quirks: PaperQuirks = {},
): Harness & { readonly server: PaperServer } {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new PaperServer(env, quirks);
  server.makeFolder("/data");
  const machine = { knownHosts: null, agentSocket: null };
  const protocol = sftpProtocol(machine, () => server.open);
  const path = (name: string) => `/data/${name}`;
  const uri = (name: string) =>
    `sftp://paper${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(server.put(path(name), bytes));
  const endpoint = { auth: AUTH };
  return {
    protocol,
    server,
    context: { env },
    source: { uri, put, endpoint },
    sink: {
      uri,
      put,
      endpoint,
      published: (name) => Promise.resolve(server.files.get(path(name))?.bytes ?? null),
      mode: (name) => Promise.resolve(server.files.get(path(name))!.mode & 0o777),
      directories: true,
      mtimeGrainMs: 1_000,
    },
    directory: { uri, put, endpoint },
    run: (body) => world.complete(body()),
    close: async () => await world.complete(protocol.close!()),
  };
}

/** A source of a file on such a server. */
export function paperSource(harness: Harness, name: string): Source {
  const uri = `sftp://paper/data/${name}`;
  return harness.protocol.source!({ ...plainEndpoint(uri), auth: AUTH }, harness.context);
}
