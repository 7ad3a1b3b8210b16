/** Actors found by name: each node answers whether one of its actors has a path and speaks a protocol. */

import { z } from "zod";
import { checkName, formatAddress } from "../actor/address.ts";
import { actor } from "../actor/definition.ts";
import { cellOf } from "../actor/host.ts";
import { ACTOR_LIMITS } from "../actor/limits.ts";
import type { Node } from "../actor/node.ts";
import { ask, protocol } from "../actor/protocol.ts";
import type { Protocol } from "../actor/protocol.ts";
import type { Ref } from "../actor/ref.ts";
import { type ClusterLimits, clusterLimits } from "./limits.ts";
import type { Membership, MemberView } from "./membership.ts";

/** What each node answers. */
export const Registry = protocol("quorus.registry", {
  version: 1,
  messages: {
    has: ask(
      z.object({ path: z.string(), protocol: z.string(), version: z.number() }),
      z.boolean(),
    ),
  },
});

/** The path of the registry on each node. */
export const REGISTRY_PATH = "quorus.registry";

/** The registry of one node. */
export const registry = actor(Registry, {
  mailbox: { full: "wait" },
  state: ({ node }: { node: Node }) => ({ node }),
  on: {
    has: ({ node }, { path, protocol: name, version }) =>
      isPath(path) && has(node, { name, version, messages: {} }, path),
  },
});

/** What comes from another node must not fail the registry. */
function isPath(path: string): boolean {
  try {
    checkName(path, ACTOR_LIMITS.nameCharacters.value);
    return true;
  } catch {
    return false;
  }
}

/** Whether a living actor of this node has that path and speaks that protocol. */
function has(node: Node, wanted: Protocol, path: string): boolean {
  const cell = cellOf(node.ref(wanted, formatAddress(node.id, path)));
  return cell !== null && cell.open && cell.definition.protocol.version === wanted.version;
}

/** Which members are asked, and how long. */
export interface FindOptions {
  /** Only this one. */
  readonly node?: string;
  /** Only those with this role. */
  readonly role?: string;
  /** How long each of them has to answer (default 2,000 ms). */
  readonly withinMs?: number;
  readonly signal?: AbortSignal;
}

/** Who has the actor, by node; and who did not say, as it is not linked or did not answer in time. */
export interface Found<P extends Protocol> {
  readonly refs: readonly Ref<P>[];
  readonly unanswered: readonly string[];
}

/** Asks the members that are up; see `Cluster.find`. */
export async function find<P extends Protocol>(
  node: Node,
  membership: Pick<Membership, "members">,
  wanted: P,
  path: string,
  options: FindOptions = {},
  overrides: Partial<ClusterLimits> = {},
): Promise<Found<P>> {
  const limits = clusterLimits(overrides);
  const { node: only, role, withinMs = limits.findMs } = options;
  const asked = membership.members().filter((member) =>
    (only === undefined || member.node === only) &&
    (role === undefined || member.roles.includes(role))
  );
  const answers = new Map<string, boolean | null>();
  const askOne = async (member: MemberView): Promise<boolean | null> => {
    if (member.isSelf) return has(node, wanted, path);
    if (member.status !== "up") return null;
    const ref = node.ref(Registry, formatAddress(member.node, REGISTRY_PATH));
    const { signal } = options;
    const body = { path, protocol: wanted.name, version: wanted.version };
    return await ref.ask("has", body, { withinMs, ...(signal === undefined ? {} : { signal }) })
      .catch(() => null);
  };
  const waiting = [...asked];
  const worker = async (): Promise<void> => {
    for (let member = waiting.shift(); member !== undefined; member = waiting.shift()) {
      answers.set(member.node, await askOne(member));
    }
  };
  await Promise.all(Array.from({ length: limits.findParallel }, worker));
  const nodes = asked.map((member) => member.node);
  return {
    refs: nodes.filter((name) => answers.get(name) === true)
      .map((name) => node.ref(wanted, formatAddress(name, path))),
    unanswered: nodes.filter((name) => answers.get(name) === null),
  };
}
