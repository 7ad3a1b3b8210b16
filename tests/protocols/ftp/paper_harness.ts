/** Situations of a server in memory, in a simulated world of its own. */

import type { Endpoint, Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { loadParseList } from "../../../protocols/ftp/library.ts";
import { ftpProtocol } from "../../../protocols/ftp/protocol.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness, SourceHarness } from "../../conformance/harness.ts";
import { PaperNetwork } from "./paper_line.ts";
import type { PaperQuirks, PaperSending } from "./paper_quirks.ts";
import { PaperServer } from "./paper_server.ts";

// Virtual time does not wait for the loading of a module.
await loadParseList();

export const AUTH = { type: "basic", username: "u", password: "p" } as const;
const ADDRESS = "10.0.0.1";

/** What a test of a paper server has in hand. */
export interface PaperHarness extends Harness {
  readonly server: PaperServer;
  readonly network: PaperNetwork;
  readonly world: World;
}

/** A server and a client that reaches it without sockets; in clear unless told otherwise. */
export function paperHarness(
  quirks: PaperQuirks = {},
  more: Partial<Endpoint> = {},
  scheme = "ftp",
): PaperHarness {
  const world = new World(5);
  const env = simulatedEnv({ seed: 5, world, name: "client" });
  const server = new PaperServer(quirks);
  server.files.folders.add("/data");
  const network: PaperNetwork = new PaperNetwork(
    env.timers,
    ADDRESS,
    (line) => void server.serve(line, network.listen),
  );
  const protocol = ftpProtocol(network.dial);
  const path = (name: string) => `/data/${name}`;
  const uri = (name: string) =>
    `${scheme}://paper${path(name).split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) =>
    Promise.resolve(server.files.put(path(name), bytes));
  const options = scheme === "ftp" ? { tls: "none" } : {};
  const endpoint: Partial<Endpoint> = { auth: AUTH, options, ...more };
  return {
    protocol,
    server,
    network,
    world,
    context: {
      env,
      reach: { check: () => {}, checkHost: () => {}, addressFor: () => Promise.resolve(ADDRESS) },
    },
    source: {
      uri,
      put,
      endpoint,
      ...situationsOf(server),
    },
    sink: {
      uri,
      put,
      endpoint,
      published: (name) => Promise.resolve(server.files.files.get(path(name))?.bytes ?? null),
      mode: (name) => Promise.resolve(server.files.files.get(path(name))!.mode & 0o777),
      directories: true,
      mtimeGrainMs: 1_000,
    },
    directory: { uri, put, endpoint },
    run: (body) => world.complete(body()),
    close: async () => await world.complete(protocol.close!()),
  };
}

/** How a source of this server is brought into the situations of the suite. */
function situationsOf(server: PaperServer): Omit<SourceHarness, "uri" | "put"> {
  const sends = (sent: (bytes: Uint8Array) => PaperSending) => {
    server.quirks = { ...server.quirks, sends: (_path, bytes) => sent(bytes) };
    return Promise.resolve();
  };
  const afterwards = () => Promise.resolve(() => Promise.resolve());
  return {
    refusesName: (name) => name.includes("\n"),
    truncate: async (_name, atBytes) => {
      await sends((bytes) => ({ bytes: bytes.subarray(0, atBytes), then: "end" }));
      return await afterwards();
    },
    oneByteMore: async () => {
      await sends((bytes) => ({ bytes: oneMore(bytes), then: "end" }));
      return await afterwards();
    },
    noRanges: () => {
      const features = ["MLST type*;size*;modify*;unique*;", "UTF8"];
      server.quirks = { ...server.quirks, features };
      return Promise.resolve();
    },
    deny: () => {
      const forge = (command: string, answer: string) =>
        command.startsWith("RETR") ? "550 Permission denied.\r\n" : answer;
      server.quirks = { ...server.quirks, forge };
      return Promise.resolve();
    },
    stall: (_name, atBytes) =>
      sends((bytes) => ({ bytes: bytes.subarray(0, atBytes), then: "stall" })),
  };
}

/** The bytes and one more. */
function oneMore(bytes: Uint8Array): Uint8Array {
  const longer = new Uint8Array(bytes.length + 1);
  longer.set(bytes);
  return longer;
}

/** A source of a file on such a server. */
export function paperSource(harness: Harness, name: string, more: Partial<Endpoint> = {}): Source {
  const { uri, endpoint } = harness.source!;
  const declared = { ...plainEndpoint(uri(name)), ...endpoint, ...more };
  return harness.protocol.source!(declared, harness.context);
}
