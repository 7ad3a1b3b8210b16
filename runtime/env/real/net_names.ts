/** Names of hosts as this machine resolves them: its resolver, its hosts file, its order. */

import { lookup } from "node:dns/promises";
import { NetError } from "../errors.ts";

/** All addresses of a name, the best first (RFC 6724); NetError `dns` or `blocked` if there are none. */
export async function addressesOf(name: string): Promise<readonly string[]> {
  try {
    const found = await lookup(name, { all: true, verbatim: true });
    return [...new Set(found.map(({ address }) => address))];
  } catch (thrown) {
    if ((thrown as { readonly code?: unknown }).code === "EPERM") {
      const message = `cannot resolve ${name}: Deno was not granted this host on all its ports; ` +
        "add it to --allow-net without a port";
      throw new NetError("blocked", message, { cause: thrown, definite: true, retryable: false });
    }
    const message =
      `cannot resolve ${name}: it has no address; check its spelling and the resolver`;
    throw new NetError("dns", message, { cause: thrown, definite: true });
  }
}
