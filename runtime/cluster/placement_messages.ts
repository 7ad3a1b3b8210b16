/** What the authority and the keepers of the nodes say to each other, and what others ask of it. */

import { z } from "zod";
import { formatAddress } from "../actor/address.ts";
import { ask, protocol, tell } from "../actor/protocol.ts";

const life = z.object({ node: z.string(), life: z.string() });
const claim = z.object({ id: z.string(), token: z.number() });
const report = life.extend(claim.shape);
const order = claim.extend({ authority: z.string(), life: z.string() });
const verdict = z.object({ accepted: z.boolean(), reason: z.string() });

/** Answers to changes: refused with the reason, or proposed to those who agree. */
export type Verdict = z.output<typeof verdict>;

/** The decision maker's. `lost`, `look` and `tick` are its own. */
export const AuthorityProtocol = protocol("quorus.authority", {
  version: 1,
  messages: {
    hello: tell(life.extend({ kinds: z.array(z.string()), holds: z.array(claim) })),
    started: tell(report),
    ended: tell(report),
    lost: tell(z.object({ node: z.string() })),
    tick: tell(z.null()),
    place: ask(z.object({ kind: z.string(), id: z.string() }), verdict),
    remove: ask(z.object({ id: z.string() }), verdict),
    move: ask(z.object({ id: z.string(), to: z.string().nullable() }), verdict),
    drain: ask(z.object({ node: z.string(), isDraining: z.boolean() }), verdict),
    fenced: ask(life, verdict),
    locate: ask(
      z.object({ id: z.string() }),
      report.extend({ phase: z.enum(["granted", "held", "revoking"]) }).nullable(),
    ),
  },
});

/** A keeper's; each node has one. `report` is its own. */
export const KeeperProtocol = protocol("quorus.keeper", {
  version: 1,
  messages: {
    grant: tell(order.extend({ kind: z.string() })),
    revoke: tell(order),
    report: tell(z.null()),
  },
});

/** The path of the authority. */
export const AUTHORITY_PATH = "quorus.authority";
/** The path of each keeper; what it holds are its children. */
export const KEEPER_PATH = "quorus.keeper";

/** Where the actor of an entity lives on a node. */
export function entityAddress(node: string, id: string): string {
  return formatAddress(node, `${KEEPER_PATH}/${id}`);
}
