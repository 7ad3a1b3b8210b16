/** Situations of a share in memory, in a simulated world of its own. */

import type { Source } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { isSmbName } from "../../../protocols/smb/names.ts";
import { smbProtocol } from "../../../protocols/smb/protocol.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import type { Harness } from "../../conformance/harness.ts";
import { type PaperQuirks, PaperShare } from "./paper_share.ts";

export const AUTH = { type: "basic", username: "u", password: "canary-secret" } as const;

/** A share and a client that reaches it by a program on paper. */
export function paperHarness(
  quirks: PaperQuirks = {},
  folder: string | null = "/",
): Harness & { readonly share: PaperShare } {
  const world = new World(5);
  const simulated = simulatedEnv({ seed: 5, world, name: "client" });
  const share = new PaperShare(simulated, quirks);
  share.set("\\data", null);
  const env = { ...simulated, programs: share.programs };
  const protocol = smbProtocol({ ticketCache: null, folder });
  const path = (name: string) => `\\data\\${name.replaceAll("/", "\\")}`;
  const uri = (name: string) =>
    `smb://paper/share/data/${name.split("/").map(encodeURIComponent).join("/")}`;
  const put = (name: string, bytes: Uint8Array) => Promise.resolve(share.put(path(name), bytes));
  const refusesName = (name: string) => !isSmbName(name);
  const endpoint = { auth: AUTH };
  return {
    protocol,
    share,
    context: { env },
    source: { uri, put, endpoint, refusesName },
    sink: {
      ...{ uri, put, endpoint, refusesName },
      published: (name) => Promise.resolve(share.at(path(name))?.bytes ?? null),
      directories: true,
      mtimeGrainMs: 1_000,
    },
    directory: { uri, put, endpoint },
    run: (body) => world.complete(body()),
    close: async () => await world.complete(protocol.close!()),
  };
}

/** A source of a file on such a share. */
export function paperSource(harness: Harness, name: string): Source {
  const uri = `smb://paper/share/data/${name}`;
  return harness.protocol.source!({ ...plainEndpoint(uri), auth: AUTH }, harness.context);
}
