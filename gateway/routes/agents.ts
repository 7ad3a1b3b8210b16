/** `/v1/agents`: who carries out transfers. */

import { z } from "zod";
import type { WriteRequest } from "../../actors/desk/messages.ts";
import { one, read, write } from "../answers.ts";
import type { Api } from "../api.ts";
import type { Gateway } from "../gateway.ts";
import { jsonBody } from "../json_body.ts";
import { page, pageQuery } from "../paging.ts";
import {
  acceptedSchema,
  agentAnswer,
  agentSchema,
  idParameter,
  listQuery,
  none,
  pageOf,
  readQuery,
} from "../schemas.ts";
import { accepted, reasonOf } from "./actions.ts";

const TAG = "Agents";

const maintenance = z.strictObject({
  why: z.string().min(1).max(1_024).optional(),
  until: z.iso.datetime({ offset: true }).optional().describe(
    "drain: the end of a maintenance window; the agent takes jobs again by itself.",
  ),
}).meta({ id: "Maintenance" });

type Maintenance = z.infer<typeof maintenance>;

/** Adds the routes. */
export function addAgents(api: Api, gateway: Gateway): void {
  addReading(api, gateway);
  addAction(api, gateway, "drain", "Give an agent no new jobs", (agentId, why, { until }) => ({
    type: "drainAgent",
    agentId,
    why,
    untilMs: until === undefined ? null : Date.parse(until),
  }));
  addAction(api, gateway, "resume", "Let a draining agent take jobs again", (agentId, why) => ({
    type: "resumeAgent",
    agentId,
    why,
  }));
  addAction(
    api,
    gateway,
    "deregister",
    "Take an agent out of the cluster; its jobs go to others",
    (agentId, why) => ({ type: "deregisterAgent", agentId, why }),
  );
}

function addReading(api: Api, gateway: Gateway): void {
  const { pageItems, defaultPageItems } = gateway.limits;
  api.add({
    method: "get",
    path: "/v1/agents",
    operationId: "listAgents",
    tag: TAG,
    summary: "List agents",
    scope: "viewer",
    isClusterWide: true,
    params: none,
    query: listQuery(pageItems, defaultPageItems, {}),
    answers: [{ status: 200, description: "A page.", schema: pageOf(agentSchema, "AgentPage") }],
    handle: async (call) => {
      const filters = { type: "agents" } as const;
      const { found, ...fresh } = await read(gateway, call, call.query.consistency, {
        ...filters,
        ...pageQuery(gateway, filters, call.query),
      });
      return page(gateway, filters, { items: found.agents, next: found.next }, fresh);
    },
  });
  api.add({
    method: "get",
    path: "/v1/agents/{id}",
    operationId: "getAgent",
    tag: TAG,
    summary: "Look at an agent",
    scope: "viewer",
    isClusterWide: true,
    params: idParameter,
    query: readQuery,
    answers: [{ status: 200, description: "The agent.", schema: agentAnswer }],
    problems: ["notFound"],
    handle: async (call) => {
      const query = { type: "agent", agentId: call.params.id } as const;
      const found = await read(gateway, call, call.query.consistency, query);
      return one(call.request, found, found.found.agent);
    },
  });
}

function addAction(
  api: Api,
  gateway: Gateway,
  action: string,
  summary: string,
  request: (agentId: string, why: string, body: Maintenance) => WriteRequest,
): void {
  api.add({
    method: "post",
    path: `/v1/agents/{id}/${action}`,
    operationId: `${action}Agent`,
    tag: TAG,
    summary,
    scope: "admin",
    isClusterWide: true,
    params: idParameter,
    query: none,
    body: {
      description: "The reason, for people.",
      content: { "application/json": maintenance },
      isOptional: true,
    },
    answers: [{ status: 202, description: "It will be done.", schema: acceptedSchema }],
    problems: ["notFound", "conflict"],
    handle: async (call) => {
      const body = jsonBody(call.request, call.text, maintenance, { isOptional: true });
      const { id } = call.params;
      const index = await write(
        gateway,
        call,
        request(id, body.why ?? reasonOf(action, call), body),
      );
      return accepted(index, `/v1/agents/${id}`);
    },
  });
}
