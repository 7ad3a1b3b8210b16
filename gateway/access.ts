/** Who may do what: the key of a request, its scope, its tenants. */

import type { Principal } from "../actors/desk/messages.ts";
import { Problem } from "./problem.ts";

/** What a key may do, each including those before it. */
export const SCOPES = ["viewer", "operator", "admin"] as const;
/** One of {@link SCOPES}. */
export type Scope = (typeof SCOPES)[number];

/** The key that a request carries: as a bearer token, or where a browser opens a WebSocket, as a subprotocol. */
export function keyOf(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  if (authorization !== null) {
    return /^Bearer +(\S+) *$/i.exec(authorization)?.[1] ?? null;
  }
  const protocols = headers.get("sec-websocket-protocol")?.split(",") ?? [];
  const carried = protocols.map((name) => name.trim()).find((name) => name.startsWith("bearer."));
  return carried === undefined ? null : carried.slice("bearer.".length);
}

/** Problem `unauthenticated`: says how, never what was sent. */
export function unauthenticated(headers: Headers): Problem {
  const said = headers.has("authorization")
    ? "the API key is not known, was revoked or has expired"
    : "the request carries no API key";
  return new Problem(
    "unauthenticated",
    `${said}; send "Authorization: Bearer qk_..." with a key that is valid here`,
  );
}

/** Problem `forbidden` unless the key has the scope. */
export function demandScope(principal: Principal, scope: Scope): void {
  if (SCOPES.indexOf(principal.scope) >= SCOPES.indexOf(scope)) return;
  throw new Problem(
    "forbidden",
    `the API key ${principal.keyId} has the scope ${principal.scope}; this needs ${scope}`,
  );
}

/** Problem `forbidden` unless the key is for all tenants: what belongs to none is the cluster's. */
export function demandAllTenants(principal: Principal): void {
  if (principal.tenants === null) return;
  throw new Problem(
    "forbidden",
    `the API key ${principal.keyId} is for single tenants; the cluster is administered with one for all`,
  );
}

/** Whether things of this tenant exist, as far as the key may know. */
export function maySee(principal: Principal, tenant: string): boolean {
  return principal.tenants === null || principal.tenants.includes(tenant);
}

/** The tenant that is meant where none is named: the key's only one, or `default`. */
export function tenantOf(principal: Principal, named: string | undefined): string {
  if (named !== undefined) return named;
  const { tenants } = principal;
  if (tenants === null || tenants.includes("default")) return "default";
  if (tenants.length === 1) return tenants[0]!;
  throw new Problem(
    "malformedRequest",
    `the API key is for the tenants ${tenants.join(", ")}: say which is meant`,
    { errors: [{ detail: "name a tenant", parameter: "tenant" }] },
  );
}
