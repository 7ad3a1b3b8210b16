/** Who may be what: from the settings where links are plain, from certificates where there are such. */

import { configuredRoles, type Role, type RoleBook } from "../../actors/roles.ts";
import type { Links } from "../../runtime/remote/hub.ts";
import { rolesIn } from "../pki/names.ts";

/** This node, and what it is. */
export interface Self {
  readonly node: string;
  readonly roles: readonly Role[];
}

/** The roles that settings give: controllers by their addresses, others by their lists, ourselves. */
export function settingsRoles(settings: {
  readonly controllers: Readonly<Record<string, string>>;
  readonly roles: Readonly<Record<string, readonly Role[]>>;
}, self: Self): RoleBook {
  const named = new Map<string, readonly Role[]>();
  const add = (node: string, roles: readonly Role[]) =>
    named.set(node, [...new Set([...named.get(node) ?? [], ...roles])]);
  for (const node of Object.keys(settings.controllers)) add(node, ["controller"]);
  for (const [node, roles] of Object.entries(settings.roles)) add(node, roles);
  add(self.node, self.roles);
  return configuredRoles(named);
}

/** The roles that the certificates of linked nodes have proved; nobody else has any. */
export class CertificateRoles implements RoleBook {
  readonly #cluster: string;
  readonly #self: Self;
  readonly #known = new Map<string, readonly Role[]>();
  #links: Pick<Links, "peers"> | null = null;

  constructor(cluster: string, self: Self) {
    this.#cluster = cluster;
    this.#self = self;
  }

  /** Reads them from these links from now on. */
  attach(links: Pick<Links, "peers" | "subscribe">): void {
    this.#links = links;
    links.subscribe(({ kind, peer }) => {
      // A node that comes back may show another certificate.
      if (kind === "up" || kind === "unreachable") this.#known.delete(peer.node);
    });
  }

  rolesOf(node: string): readonly Role[] {
    if (node === this.#self.node) return this.#self.roles;
    const known = this.#known.get(node);
    if (known !== undefined) return known;
    const peer = this.#links?.peers().find((one) => one.node === node);
    if (peer === undefined) return [];
    const roles = rolesIn(peer.certificateNames ?? [], this.#cluster, node);
    this.#known.set(node, roles);
    return roles;
  }
}
