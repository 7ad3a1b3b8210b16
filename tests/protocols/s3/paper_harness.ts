/** Situations of an object store in memory, in a simulated world of its own. */

import type { Endpoint, Sink, Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import type { S3Machine } from "../../../protocols/s3/credentials.ts";
import { s3Protocol } from "../../../protocols/s3/protocol.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";
import { KEY, type PaperQuirks, PaperServer } from "./paper_server.ts";

export const AUTH = {
  type: "accessKey",
  accessKeyId: KEY.accessKeyId,
  secretAccessKey: KEY.secretAccessKey,
} as const;

export const OPTIONS = { endpoint: "https://paper" } as const;

/** A server and a client of it. */
export interface PaperHarness extends Harness {
  readonly server: PaperServer;
  readonly world: World;
  readonly env: SimulatedEnv;
  sinkAt(path: string, more?: Partial<Endpoint>): Sink;
  sourceAt(path: string, more?: Partial<Endpoint>): Source;
}

/** A server with one bucket, `b`, and its protocol. */
export function paperHarness(
  quirks: PaperQuirks = {},
  endpoint: Partial<Endpoint> = {},
  machine: S3Machine | undefined = undefined,
): PaperHarness {
  const world = new World(11);
  const env = simulatedEnv({ seed: 11, world, name: "client" });
  const server = new PaperServer(env, quirks);
  world.hosts.set("paper", server.answer);
  const protocol = s3Protocol(machine);
  const common: Partial<Endpoint> = { auth: AUTH, options: OPTIONS, ...endpoint };
  const uri = (name: string) => `s3://b/data/${name.split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => {
    server.put(`data/${name}`, bytes);
    return Promise.resolve();
  };
  return {
    ...{ protocol, server, world, env },
    context: { env },
    source: { uri, put, endpoint: common },
    sink: {
      ...{ uri, put, endpoint: common },
      published: (name) => Promise.resolve(server.objects.get(`data/${name}`)?.bytes ?? null),
    },
    directory: { uri, put, endpoint: common },
    sinkAt: (path, more = {}) =>
      protocol.sink!({
        ...plainEndpoint(uri(path)),
        ...common,
        ...{ createDirectories: false, root: null, sync: true },
        ...more,
      }, { env }),
    sourceAt: (path, more = {}) =>
      protocol.source!({ ...plainEndpoint(uri(path)), ...common, ...more }, { env }),
    run: (body) => world.complete(body()),
    close: async () => await world.complete(protocol.close!()),
  };
}
