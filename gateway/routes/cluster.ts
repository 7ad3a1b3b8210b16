/** `/v1/cluster`: the controllers, and changes of who belongs to them. */

import { z } from "zod";
import type { GroupChange } from "../../actors/desk/messages.ts";
import { json, one, read, refusal } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Described } from "../describe.ts";
import type { Gateway } from "../gateway.ts";
import { awaitedBy, derivedOperation, describeChange, type Operation } from "../operations.ts";
import { jsonBody } from "../json_body.ts";
import { Problem } from "../problem.ts";
import { clusterAnswer, freshness, none, operationSchema, readQuery } from "../schemas.ts";

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
/** An id holds what is awaited. */
const operationParameter = z.strictObject({
  id: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,1023}$/, "is no id"),
});

const maintenance = z.strictObject({
  on: z.boolean().describe("In maintenance it votes and keeps the log, and does not lead."),
}).meta({ id: "ControllerMaintenance" });
const dryRun = z.strictObject({
  dryRun: z.enum(["", "true", "false"]).optional().describe(
    "Tell what it would come to, and do nothing.",
  ),
});
const checkAnswer = z.object({
  refused: z.object({ code: z.string(), message: z.string() }).nullable(),
  lines: z.array(z.string()).describe("What it would come to, for people."),
}).meta({ id: "ChangeCheck" });

/** Adds the routes. */
export function addCluster(api: Api, gateway: Gateway): void {
  addReading(api, gateway);
  addOperations(api, gateway);
  addMembers(api, gateway);
  addLeading(api, gateway);
}

function addMembers(api: Api, gateway: Gateway): void {
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
}

function addLeading(api: Api, gateway: Gateway): void {
  addChange(api, gateway, {
    path: "/v1/cluster/members/{node}/maintenance",
    operationId: "setControllerMaintenance",
    summary: "Let a controller lead no more, or again",
    params: nodeParameter,
    schema: maintenance,
    request: ({ node }, { on }) => ({ type: "setMaintenance", node, on }),
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
    summary: "How an operation stands; any gateway may be asked",
    description: "The gateway that began it knows why it has failed; the others tell from the " +
      "cluster whether it has come about, and give it up after its time.",
    scope: "viewer",
    params: operationParameter,
    query: none,
    answers: [{ status: 200, description: "The operation.", schema: operationSchema }],
    problems: ["notFound"],
    handle: async (call) => {
      const { params: { id }, principal } = call;
      const operation = gateway.operations.find(principal.keyId, id);
      if (operation !== undefined && isSettled(operation)) return json(operation);
      const awaited = principal.tenants === null ? awaitedBy(id) : null;
      if (awaited === null) throw new Problem("notFound", `no operation ${id}`);
      const { found: { cluster } } = await read(gateway, call, "linearizable", { type: "cluster" });
      const { env, limits: { operationMs } } = gateway;
      return json(derivedOperation(id, awaited, cluster, env.clock.now(), operationMs));
    },
  });
}

/** Where its answer was lost, the cluster knows more than this gateway. */
function isSettled({ error }: Operation): boolean {
  return error === null || (error.code !== "unknownOutcome" && error.code !== "noQuorum");
}

/** Who leads before a transfer to anybody. */
async function leaderFor<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  change: GroupChange,
): Promise<string | null> {
  if (change.type !== "transferLeadership" || change.to !== null) return null;
  return (await read(gateway, call, "stale", { type: "cluster" })).found.cluster.leader;
}

/** A change of the controllers' group. */
interface Change<P extends z.ZodObject, B extends z.ZodObject>
  extends Pick<Described<P, typeof none>, "path" | "operationId" | "summary" | "params"> {
  readonly method?: "delete";
  readonly schema: B;
  request(params: z.infer<P>, body: z.infer<B>): GroupChange;
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
    query: dryRun,
    ...(hasBody ? { body: { description: "Who.", content, isOptional } } : {}),
    answers: [
      { status: 200, description: "What it would come to (dryRun).", schema: checkAnswer },
      { status: 202, description: "It has begun.", schema: operationSchema },
    ],
    problems: ["notFound", "conflict", "wouldLoseQuorum", "notReady", "changePending"],
    handle: async (call) => {
      const body = jsonBody(call.request, call.text, schema, { isOptional });
      const request = change.request(call.params, body);
      const check = { type: "changeCheck", change: request } as const;
      const { found } = await read(gateway, call, "stale", check);
      const { dryRun: dry = "false" } = call.query;
      if (dry !== "false") return json(found.check);
      if (found.check.refused !== null) {
        throw refusal(found.check.refused, describeChange(request));
      }
      return await begin(gateway, call, request);
    },
  });
}

async function begin<P, Q>(
  gateway: Gateway,
  call: Call<P, Q>,
  request: GroupChange,
): Promise<Response> {
  const { principal, keyed: { key, fingerprint }, trace, requestId } = call;
  const options = {
    fingerprint,
    requestId,
    isLong: true,
    ...(trace === undefined ? {} : { trace }),
  };
  const operation = gateway.operations.begin(
    principal.keyId,
    { change: request, leader: await leaderFor(gateway, call, request) },
    () => gateway.door.write(principal, key, request, options),
  );
  const href = `/v1/operations/${operation.id}`;
  return json(operation, 202, { location: href, "retry-after": "1" });
}
