/** What ties a request to what comes of it: its id, and its trace. */

import assert from "node:assert/strict";
import { GatewayRig } from "./rig.ts";
import { traceRequest } from "../../gateway/request_trace.ts";
import type { SpanStart, Tracing } from "../../runtime/env/tracing.ts";

const TRACE = "0af7651916cd43dd8448eb211c80319c";
const TRACEPARENT = `00-${TRACE}-b7ad6b7169203331-01`;

Deno.test("a request's id and trace come back with its answer, and stand in its problem", async () => {
  const rig = await GatewayRig.start();
  const headers = { "x-request-id": "mine-1", traceparent: TRACEPARENT };
  const answered = await rig.ask("/v1/runs", { headers });
  assert.equal(answered.status, 200);
  assert.equal(answered.headers.get("x-request-id"), "mine-1");
  assert.equal(answered.headers.get("traceparent"), TRACEPARENT);
  const missing = await rig.ask("/v1/runs/none", { headers });
  assert.equal(missing.status, 404);
  assert.equal(missing.headers.get("traceparent"), TRACEPARENT);
  assert.equal(missing.json.instance, "urn:quorus:request:mine-1");
  assert.equal(missing.json.traceId, TRACE);
  const untraced = await rig.ask("/v1/runs/none", { headers: { traceparent: "00-no-trace" } });
  assert.equal(untraced.headers.get("traceparent"), null, "what is no trace goes nowhere");
  assert.equal("traceId" in untraced.json, false);
  assert.match(untraced.headers.get("x-request-id")!, /^[0-9a-f]+-/);
  await rig.stop();
});

Deno.test("where traces are collected a request is a span of the client's, and goes on as its own", () => {
  const begun: [string, SpanStart | undefined][] = [];
  const told: Record<string, unknown> = {};
  const own = `00-${TRACE}-1111111111111111-01`;
  const tracing: Tracing = {
    start: (name, start) => {
      begun.push([name, start]);
      return {
        traceparent: own,
        set: (attributes) => void Object.assign(told, attributes),
        within: (work) => work(),
        end: (error) => void (told["error"] = error),
      };
    },
  };
  const headers = new Headers({ traceparent: TRACEPARENT });
  const { traceparent, ended } = traceRequest(tracing, "POST", "/v1/runs/{id}", headers);
  assert.equal(traceparent, own);
  ended(503, "mine-1");
  assert.deepEqual(begun, [["POST /v1/runs/{id}", {
    kind: "server",
    parent: TRACEPARENT,
    attributes: { "http.request.method": "POST", "http.route": "/v1/runs/{id}" },
  }]]);
  assert.deepEqual(told, {
    "http.response.status_code": 503,
    "quorus.request": "mine-1",
    error: "status 503",
  });
});
