/** Which messages of other nodes are let in, by what those nodes are. An agent speaks as an agent only. */

import type { InboundHead } from "../runtime/actor/bridge.ts";
import { Directory } from "./directory/messages.ts";
import { Desk } from "./desk/messages.ts";
import { Keeper } from "./agent/workers/messages.ts";
import { Fleet } from "./fleet/messages.ts";
import { Reading, Receiving, Relays } from "./relay/messages.ts";
import type { RoleBook } from "./roles.ts";

const OF_RELAYS: ReadonlySet<string> = new Set([Relays.name, Reading.name, Receiving.name]);

/**
 * For `admit` of a node: controllers may say everything, the others what their doors are for, and this
 * process's Workers what their agent keeps them for.
 */
export function admission(
  book: RoleBook,
  workers: { has(node: string): boolean } = new Set(),
): (head: InboundHead) => boolean {
  return ({ node, protocol }) => {
    if (protocol === Keeper.name) return workers.has(node);
    // Whoever is linked may ask to be read for: the lease says whether that is so.
    if (OF_RELAYS.has(protocol)) return true;
    const roles = book.rolesOf(node);
    if (roles.includes("controller")) return true;
    if (protocol === Fleet.name) return roles.includes("agent");
    if (protocol === Directory.name) return roles.includes("agent") || roles.includes("gateway");
    return protocol === Desk.name && roles.includes("gateway");
  };
}
