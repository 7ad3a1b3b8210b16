/** Who may be what: from the settings where links are plain. */

import { configuredRoles, type Role, type RoleBook } from "../../actors/roles.ts";

/** The roles that settings give: controllers by their addresses, others by their lists, ourselves. */
export function settingsRoles(settings: {
  readonly controllers: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, readonly Role[]>>;
}, self: { readonly node: string; readonly roles: readonly Role[] }): RoleBook {
  const named = new Map<string, readonly Role[]>();
  const add = (node: string, roles: readonly Role[]) =>
    named.set(node, [...new Set([...named.get(node) ?? [], ...roles])]);
  for (const node of Object.keys(settings.controllers)) add(node, ["controller"]);
  for (const [node, roles] of Object.entries(settings.roles)) add(node, roles);
  add(self.node, self.roles);
  return configuredRoles(named);
}
