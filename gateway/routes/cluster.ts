/** `/v1/cluster`: the controllers, and changes of who belongs to them. */

import { z } from "zod";
import type { WriteRequest } from "../../actors/desk/messages.ts";
import { json, one, read } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Described } from "../describe.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { Problem } from "../problem.ts";
import {
  clusterAnswer,
  freshness,
  idParameter,
  none,
  operationSchema,
  readQuery,
} from "../schemas.ts";

const TAG = "Cluster";
const nodeName = z.string().regex(/^[A-Za-z0-9._-]{1,128}$/, "is no id of a node");
const nodeParameter = z.strictObject({ node: nodeName });
const newMember = z.strictObject({
  node: nodeName,
  witness: z.boolean().default(false).describe("It helps to elect and keeps no data."),
}).meta({ id: "NewMember" });
const replacement = z.strictObject({ by: nodeName }).meta({ id: "Replacement" });
const transferTo = z.strictObject({
  to: nodeName.optional().describe("Default: whoever is furthest."),
}).meta({ id: "LeadershipTransfer" });
const nothing = z.strictObject({});

/** Adds the routes. */
export function addCluster(api: Api, gateway: Gateway): void {
  addReading(api, gateway);
  addOperations(api, gateway);
  addChange(api, gateway, {
    path: "/v1/cluster/members",
    operationId: "addController",
    summary: "Add a controller, as a learner until it is promoted",
    params: none,
    schema: newMember,
    request: (_, { node, witness }) => ({ type: "addController", node, witness }),
  });
  addChange(api, gateway, {
    path: "/v1/cluster/members/{node}/promote",
    operationId: "promoteController",
    summary: "Let a controller vote",
    params: nodeParameter,
    schema: nothing,
    request: ({ node }) => ({ type: "promoteController", node }),
  });
  addChange(api, gateway, {
    path: "/v1/cluster/members/{node}/replace",
    operationId: "replaceController",
    summary: "Put another controller in the place of one",
    params: nodeParameter,
    schema: replacement,
    request: ({ node }, { by }) => ({ type: "replaceController", node, by }),
  });
  addChange(api, gateway, {
    method: "delete",
    path: "/v1/cluster/members/{node}",
    operationId: "removeController",
    summary: "Remove a controller; refused where it would cost the quorum",
    params: nodeParameter,
    schema: nothing,
    request: ({ node }) => ({ type: "removeController", node }),
  });
  addChange(api, gateway, {
    path: "/v1/cluster/transfer",
    operationId: "transferLeadership",
    summary: "Let another controller lead",
    params: none,
    schema: transferTo,
    request: (_, { to = null }) => ({ type: "transferLeadership", to }),
  });
}

function addReading(api: Api, gateway: Gateway): void {
  api.add({
    method: "get",
    path: "/v1/cluster",
    operationId: "getCluster",
    tag: TAG,
    summary: "The cluster as one controller sees it",
    scope: "viewer",
    isClusterWide: true,
    params: none,
    query: readQuery,
    answers: [{ status: 200, description: "The cluster.", schema: clusterAnswer }],
    handle: async (call) => {
      const found = await read(gateway, call, call.query.consistency, { type: "cluster" });
      return one(call.request, found, found.found.cluster);
    },
  });
  api.add({
    method: "get",
    path: "/v1/cluster/inspect",
    operationId: "inspectController",
    tag: TAG,
    summary: "The living tree of actors of a controller",
    scope: "admin",
    isClusterWide: true,
    params: none,
    query: readQuery,
    answers: [{
      status: 200,
      description: "The tree.",
      schema: z.object({ tree: z.unknown(), freshness }),
    }],
    handle: async (call) => {
      const found = await read(gateway, call, call.query.consistency, { type: "inspect" });
      return one(call.request, found, { tree: found.found.tree });
    },
  });
}

function addOperations(api: Api, gateway: Gateway): void {
  api.add({
    method: "get",
    path: "/v1/operations/{id}",
    operationId: "getOperation",
    tag: TAG,
    summary: "How an operation stands; asked of the gateway that began it",
    scope: "viewer",
    params: idParameter,
    query: none,
    answers: [{ status: 200, description: "The operation.", schema: operationSchema }],
    problems: ["notFound"],
    handle: ({ params, principal }) => {
      const operation = gateway.operations.find(principal.keyId, params.id);
      if (operation !== undefined) return json(operation);
      throw new Problem(
        "notFound",
        `this gateway knows no operation ${params.id}; /v1/cluster shows what has become of the cluster`,
      );
    },
  });
}

/** A change of membership. */
interface Change<P extends z.ZodObject, B extends z.ZodObject>
  extends Pick<Described<P, typeof none>, "path" | "operationId" | "summary" | "params"> {
  readonly method?: "delete";
  readonly schema: B;
  request(params: z.infer<P>, body: z.infer<B>): WriteRequest;
}

function addChange<P extends z.ZodObject, B extends z.ZodObject>(
  api: Api,
  gateway: Gateway,
  change: Change<P, B>,
): void {
  const { method = "post", path, operationId, summary, params, schema } = change;
  const isOptional = schema.safeParse({}).success;
  const hasBody = Object.keys(schema.shape).length > 0;
  const content = { "application/json": schema };
  api.add({
    method,
    path,
    operationId,
    tag: TAG,
    summary,
    scope: "admin",
    isClusterWide: true,
    params,
    query: none,
    ...(hasBody ? { body: { description: "Who.", content, isOptional } } : {}),
    answers: [{ status: 202, description: "It has begun.", schema: operationSchema }],
    handle: (call) => {
      const body = jsonBody(call.request, call.text, schema, { isOptional });
      return begin(gateway, call, summary, change.request(call.params, body));
    },
  });
}

function begin<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  what: string,
  request: WriteRequest,
): Response {
  const { principal, keyed: { key, fingerprint }, trace } = call;
  const options = { fingerprint, isLong: true, ...(trace === undefined ? {} : { trace }) };
  const operation = gateway.operations.begin(
    principal.keyId,
    what,
    () => gateway.door.write(principal, key, request, options),
  );
  const href = `/v1/operations/${operation.id}`;
  return json(operation, 202, { location: href, "retry-after": "1" });
}
