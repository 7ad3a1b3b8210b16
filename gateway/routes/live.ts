/** `/v1/events` and `/v1/live`: what happens, as it happens. */

import { z } from "zod";
import type { Api, Call } from "../api.ts";
import type { Feed } from "../feed.ts";
import { EVENT_TYPES } from "../live/cloud_event.ts";
import { Problem } from "../problem.ts";
import { none } from "../schemas.ts";

const TAG = "Live";
const many = z.union([z.string(), z.array(z.string())]).optional();
/** What they mean is checked by the feed, which knows its own filters. */
const feedQuery = z.strictObject({
  tenant: many,
  run: many,
  job: many,
  type: many.describe(
    `One of ${Object.values(EVENT_TYPES).join(", ")}. Events of agents and of the cluster itself ` +
      "are for keys that are not bound to tenants; their attribute `change` says what has happened.",
  ),
  labels: many.describe("As in lists: name=value, name in (a, b) or name."),
  after: z.string().optional().describe("The id of the last event that the client has."),
});

/** Adds the routes. */
export function addLive(api: Api, feed: Feed): void {
  api.add({
    method: "get",
    path: "/v1/events",
    operationId: "followEvents",
    tag: TAG,
    summary: "Follow events (server-sent events, CloudEvents in JSON); Last-Event-ID goes on",
    scope: "viewer",
    params: none,
    query: feedQuery,
    answers: [{
      status: 200,
      description: "A stream.",
      schema: z.string(),
      mediaType: "text/event-stream",
    }],
    problems: ["overloaded"],
    handle: (call) => feed.events(readerOf(call), call.request),
  });
  api.add({
    method: "get",
    path: "/v1/live",
    operationId: "openLive",
    tag: TAG,
    summary: "Follow events over a WebSocket (subprotocol cloudevents.json)",
    scope: "viewer",
    params: none,
    query: feedQuery,
    answers: [{ status: 101, description: "The WebSocket is open." }],
    problems: ["upgradeRequired", "overloaded"],
    handle: (call) => {
      if (call.connection !== undefined) {
        return feed.socket(readerOf(call), call.request, call.connection);
      }
      throw new Problem(
        "upgradeRequired",
        "cannot open /v1/live: this server opens no WebSockets; read /v1/events",
      );
    },
  });
}

function readerOf<P, Q>({ principal }: Call<P, Q>) {
  const { keyId, tenants } = principal;
  return { keyId, tenants };
}
