/** What a node may be in the cluster, and who says so. */

import { z } from "zod";

/** A part that a node plays; it may play several. */
export const role = z.enum(["controller", "agent", "gateway"]);
export type Role = z.infer<typeof role>;

/**
 * The roles of the nodes that are linked: from their certificates where links have such, else from
 * configuration. Asked whenever a message is about to be believed.
 */
export interface RoleBook {
  rolesOf(node: string): readonly Role[];
}

/** Roles from configuration; a node that is not named is `others`. */
export function configuredRoles(
  named: ReadonlyMap<string, readonly Role[]>,
  others: readonly Role[] = [],
): RoleBook {
  return { rolesOf: (node) => named.get(node) ?? others };
}
