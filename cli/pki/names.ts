/**
 * What a certificate says of a node. Alternative names: its id as DNS name and as `quorus://NODE` (what
 * links compare with who the other end claims to be; a controller's Raft is `NODE.raft`), and one URI for each role that it may play in which
 * cluster: `quorus-role://CLUSTER/ROLE/NODE`. The node's id is in the role, so that a name that was added
 * to a certificate for another purpose gives nobody a role.
 */

import { engineNodeId } from "../../runtime/raft/engine_messages.ts";
import { type Role, role as roleSchema } from "../../actors/roles.ts";

const ROLE_SCHEME = "quorus-role://";

/** The URI alternative names of a node with these roles. */
export function urisOf(cluster: string, node: string, roles: readonly Role[]): string[] {
  return [
    `quorus://${node}`,
    // Its Raft has links of its own.
    ...(roles.includes("controller") ? [`quorus://${engineNodeId(node)}`] : []),
    ...roles.map((role) => `${ROLE_SCHEME}${cluster}/${role}/${node}`),
  ];
}

/** The roles that the names of a certificate give a node in a cluster. */
export function rolesIn(names: readonly string[], cluster: string, node: string): Role[] {
  return names.flatMap((name) => {
    if (!name.startsWith(ROLE_SCHEME)) return [];
    const [ofCluster, role, ofNode, ...rest] = name.slice(ROLE_SCHEME.length).split("/");
    if (ofCluster !== cluster || ofNode !== node || rest.length > 0) return [];
    const parsed = roleSchema.safeParse(role);
    return parsed.success ? [parsed.data] : [];
  });
}
