/** What a principal may see and do, as pure functions. */

import type { Scope } from "../controller/commands.ts";
import type { Principal, WriteRequest } from "./messages.ts";

const RANK: Readonly<Record<Scope, number>> = { viewer: 0, operator: 1, admin: 2 };

/** The least scope for each request. */
const LEAST: Readonly<Record<WriteRequest["type"], Scope>> = {
  submit: "operator",
  submitAll: "operator",
  stage: "operator",
  retry: "operator",
  intendRun: "operator",
  intendJob: "operator",
  decide: "operator",
  putDefinition: "operator",
  deleteDefinition: "operator",
  putKey: "admin",
  revokeKey: "admin",
  configureTenant: "admin",
  putRate: "admin",
  drainAgent: "admin",
  resumeAgent: "admin",
  deregisterAgent: "admin",
  addController: "admin",
  promoteController: "admin",
  removeController: "admin",
  replaceController: "admin",
  transferLeadership: "admin",
  setMaintenance: "admin",
};

/** Why a principal may not do that; `null` if it may. Whose thing it is, is asked for itself. */
export function mayNot({ scope, tenants }: Principal, request: WriteRequest): string | null {
  const least = LEAST[request.type];
  if (RANK[scope] < RANK[least]) return `this needs a key of scope ${least}, not ${scope}`;
  // What concerns all tenants is for who is responsible for all of them.
  if (least === "admin" && tenants !== null) return "this needs a key that is not bound to tenants";
  return null;
}

/** Whether things of a tenant are there at all for a principal. */
export function sees({ tenants }: Principal, tenant: string): boolean {
  return tenants === null || tenants.includes(tenant);
}

/** The whole cluster, its nodes and keys. */
export function seesAll({ tenants }: Principal): boolean {
  return tenants === null;
}
