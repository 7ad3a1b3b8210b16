/** `/v1/keys`: API keys. A key is shown once, when it is made; what is kept is its hash. */

import { z } from "zod";
import { SCOPES } from "../access.ts";
import { json, read, write } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { newApiKey, newKeyId, sha256Of } from "../keys.ts";
import { page, pageQuery } from "../paging.ts";
import { Problem } from "../problem.ts";
import { idParameter, listQuery, none, pageOf, tenantName } from "../schemas.ts";

const TAG = "Keys";
const scope = z.enum(SCOPES);
const newKey = z.strictObject({
  scope,
  tenants: z.array(tenantName).min(1).max(1_000).nullable().describe("null: all of them."),
  label: z.string().min(1).max(256),
  expires: z.iso.datetime({ offset: true }).optional(),
  sha256: z.string().regex(/^[0-9a-f]{64}$/, "is no SHA-256 in lower-case hexadecimal").optional()
    .describe("Of a key that you have made yourself (qk_ and 43 characters of base64url)."),
}).meta({ id: "NewKey" });
const keySchema = z.object({
  id: z.string(),
  scope,
  tenants: z.array(z.string()).nullable(),
  label: z.string(),
  expiresMs: z.number().nullable(),
  createdMs: z.number(),
}).meta({ id: "Key" });
const madeKey = z.object({
  id: z.string(),
  key: z.string().nullable().describe("Never shown again; null where you have made it yourself."),
  scope,
  tenants: z.array(z.string()).nullable(),
  label: z.string(),
  expiresMs: z.number().nullable(),
}).meta({ id: "MadeKey" });

/** Adds the routes. */
export function addKeys(api: Api, gateway: Gateway): void {
  addListing(api, gateway);
  addMaking(api, gateway);
  api.add({
    method: "delete",
    path: "/v1/keys/{id}",
    operationId: "revokeKey",
    tag: TAG,
    summary: "Revoke an API key; gateways notice within two seconds",
    scope: "admin",
    isClusterWide: true,
    params: idParameter,
    query: none,
    answers: [{ status: 204, description: "It is revoked." }],
    problems: ["notFound"],
    handle: async (call) => {
      await write(gateway, call, { type: "revokeKey", id: call.params.id });
      return new Response(null, { status: 204 });
    },
  });
}

function addListing(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/keys",
    operationId: "listKeys",
    tag: TAG,
    summary: "List API keys, without what they are",
    scope: "admin",
    isClusterWide: true,
    params: none,
    query: listQuery(pageItems, defaultPageItems, {}),
    answers: [{ status: 200, description: "A page.", schema: pageOf(keySchema, "KeyPage") }],
    handle: async (call) => {
      const filters = { type: "keys" } as const;
      const { found, ...fresh } = await read(gateway, call, call.query.consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { items: found.keys, next: found.next }, fresh);
    },
  });
}

function addMaking(api: Api, gateway: Gateway): void {
  api.add({
    method: "post",
    path: "/v1/keys",
    operationId: "createKey",
    tag: TAG,
    summary: "Make an API key, or take one that you have made",
    description:
      "With an Idempotency-Key send `sha256`: a key made here could not be shown a second time.",
    scope: "admin",
    isClusterWide: true,
    isNotKept: true,
    params: none,
    query: none,
    body: { description: "What it may do.", content: { "application/json": newKey } },
    answers: [{ status: 201, description: "It is made.", schema: madeKey }],
    handle: async (call) => {
      const body = jsonBody(call.request, call.text, newKey);
      const { label, tenants, expires, sha256 } = body;
      const made = sha256 === undefined ? newApiKey(gateway.env.random) : null;
      if (made !== null) refuseRepeating(call);
      const id = made === null ? keyIdOf(gateway, call) : newKeyId(gateway.env.random);
      const expiresMs = expires === undefined ? null : Date.parse(expires);
      await write(gateway, call, {
        type: "putKey",
        id,
        sha256: sha256 ?? sha256Of(gateway.env.hash, made!),
        scope: body.scope,
        tenants,
        label,
        expiresMs,
      });
      const answer = { id, key: made, scope: body.scope, tenants, label, expiresMs };
      return json(answer, 201, { location: `/v1/keys/${id}`, "cache-control": "no-store" });
    },
  });
}

/** The same request names the same key. */
function keyIdOf<P, Q>(gateway: Gateway, { keyed }: Call<P, Q>): string {
  return `key-${sha256Of(gateway.env.hash, JSON.stringify(["key", keyed.key])).slice(0, 16)}`;
}

function refuseRepeating<P, Q>({ request }: Call<P, Q>): void {
  if (!request.headers.has("idempotency-key")) return;
  const detail = "a key that is made here is shown once; make it yourself and send its sha256";
  throw new Problem("malformedRequest", `create a key: ${detail}`, {
    errors: [{ header: "Idempotency-Key", detail }],
  });
}
