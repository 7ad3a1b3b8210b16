/** Clusters of nodes on simulated machines: each listens on port 4100 of a machine of its name. */

import { type Cluster, joinCluster } from "../../../runtime/cluster/cluster.ts";
import type { ClusterLimits } from "../../../runtime/cluster/limits.ts";
import { type Member, MemberList } from "../../../runtime/cluster/member_source.ts";
import type { HubOptions } from "../../../runtime/remote/hub_options.ts";
import { type LinkedNode, startLinkedNode } from "../../../runtime/remote/linked_node.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";

export interface ClusterNode {
  readonly env: SimulatedEnv;
  readonly node: LinkedNode;
  readonly cluster: Cluster;
  readonly members: MemberList;
  /** `node was>is` of every change of a member. */
  readonly events: string[];
  /** `status` of a member. */
  status(member: string): string | undefined;
}

export interface ClusterNodeOptions {
  readonly limits?: Partial<ClusterLimits>;
  readonly links?: HubOptions;
  readonly env?: SimulatedEnv;
}

export function memberOf(node: string, roles: readonly string[] = []): Member {
  return { node, url: `ws://${node}:4100`, roles };
}

export function startMember(
  world: World,
  id: string,
  members: readonly Member[],
  options: ClusterNodeOptions = {},
): ClusterNode {
  const env = options.env ?? simulatedEnv({ seed: world.seed, world, name: id });
  const list = new MemberList(members);
  const node = startLinkedNode(env, {
    id,
    roundTripMessages: true,
    onFatal: () => env.crash("process"),
    links: {
      listen: [{ hostname: id, port: 4100 }],
      allowPlain: true,
      token: "correct horse battery staple",
      ...options.links,
    },
  });
  const cluster = joinCluster(node, {
    members: list,
    ...(options.limits === undefined ? {} : { limits: options.limits }),
  });
  const events: string[] = [];
  cluster.subscribe(({ member, was }) =>
    void events.push(`${member.node} ${was}>${member.status}`)
  );
  const status = (member: string): string | undefined => cluster.member(member)?.status;
  return { env, node, cluster, members: list, events, status };
}

/** Members of these names in one world, all linked with each other. */
export async function linkedMembers(
  names: readonly string[],
  options: ClusterNodeOptions & { readonly seed?: number } = {},
): Promise<{ readonly world: World; readonly nodes: ClusterNode[] }> {
  const world = new World(options.seed ?? 1);
  const members = names.map((name) => memberOf(name));
  const nodes = names.map((name) => startMember(world, name, members, options));
  await allUp(world, nodes);
  return { world, nodes };
}

/** Waits until each of the nodes is up for each other one. */
export async function allUp(world: World, nodes: readonly ClusterNode[]): Promise<void> {
  for (const { cluster } of nodes) {
    for (const other of nodes) await world.complete(cluster.whenUp(other.node.id));
  }
}

export async function stopAll(world: World, nodes: readonly ClusterNode[]): Promise<void> {
  for (const { node } of nodes) await world.complete(node.stop());
}
