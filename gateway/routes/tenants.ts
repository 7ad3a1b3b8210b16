/** `/v1/tenants`: what tenants may do, and what they have. */

import { z } from "zod";
import { tenantSettings, tenantUsage } from "../../actors/tenant/messages.ts";
import { one, read, write } from "../answers.ts";
import type { Api } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { page, pageQuery } from "../paging.ts";
import {
  acceptedSchema,
  freshness,
  listQuery,
  none,
  pageOf,
  readQuery,
  tenantName,
} from "../schemas.ts";
import { accepted } from "./actions.ts";

const TAG = "Tenants";
const idParameter = z.strictObject({ id: tenantName });
const settingsBody = z.strictObject(tenantSettings.shape).meta({ id: "TenantSettings" });
const usageSchema = tenantUsage.meta({ id: "TenantUsage" });
const usageAnswer = tenantUsage.extend({ freshness }).meta({ id: "Tenant" });

/** Adds the routes. */
export function addTenants(api: Api, gateway: Gateway): void {
  addReading(api, gateway);
  api.add({
    method: "put",
    path: "/v1/tenants/{id}",
    operationId: "configureTenant",
    tag: TAG,
    summary: "Say what a tenant may do: its weight against others, its bounds",
    scope: "admin",
    isClusterWide: true,
    params: idParameter,
    query: none,
    body: { description: "All of its settings.", content: { "application/json": settingsBody } },
    answers: [{ status: 202, description: "It holds from now on.", schema: acceptedSchema }],
    handle: async (call) => {
      const settings = jsonBody(call.request, call.text, settingsBody);
      const { id: tenant } = call.params;
      const index = await write(gateway, call, { type: "configureTenant", tenant, settings });
      return accepted(index, `/v1/tenants/${tenant}/usage`);
    },
  });
  api.add({
    method: "delete",
    path: "/v1/tenants/{id}",
    operationId: "resetTenant",
    tag: TAG,
    summary: "Forget what was said of a tenant: weight 1 and no bounds; its runs stay",
    scope: "admin",
    isClusterWide: true,
    params: idParameter,
    query: none,
    answers: [{ status: 202, description: "It holds from now on.", schema: acceptedSchema }],
    handle: async (call) => {
      const { id: tenant } = call.params;
      const index = await write(gateway, call, { type: "configureTenant", tenant, settings: null });
      return accepted(index, `/v1/tenants/${tenant}/usage`);
    },
  });
}

function addReading(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/tenants",
    operationId: "listTenants",
    tag: TAG,
    summary: "List the tenants that the key may see, and what they have",
    scope: "viewer",
    params: none,
    query: listQuery(pageItems, defaultPageItems, {}),
    answers: [{ status: 200, description: "A page.", schema: pageOf(usageSchema, "TenantPage") }],
    handle: async (call) => {
      const filters = { type: "tenants" } as const;
      const { found, ...fresh } = await read(gateway, call, call.query.consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { items: found.tenants, next: found.next }, fresh);
    },
  });
  api.add({
    method: "get",
    path: "/v1/tenants/{id}/usage",
    operationId: "getTenantUsage",
    tag: TAG,
    summary: "Look at a tenant: its settings, and what it has and had",
    description:
      "Jobs that ended are counted from `sinceMs` on: older ones are in the archive. A tenant of " +
      "which nothing was said has no settings: weight 1 and no bounds.",
    scope: "viewer",
    params: idParameter,
    query: readQuery,
    answers: [{ status: 200, description: "The tenant.", schema: usageAnswer }],
    problems: ["notFound"],
    handle: async (call) => {
      const query = { type: "tenant", tenant: call.params.id } as const;
      const found = await read(gateway, call, call.query.consistency, query);
      return one(call.request, found, found.found.tenant);
    },
  });
}
