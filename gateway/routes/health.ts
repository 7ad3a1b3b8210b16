/** `/livez`, `/readyz`, `/metrics`: what machines ask of a gateway. */

import { z } from "zod";
import type { Query } from "../../actors/desk/messages.ts";
import { PROMETHEUS_CONTENT_TYPE, prometheusText } from "../../runtime/telemetry/prometheus.ts";
import { json } from "../answers.ts";
import type { Api, Call } from "../api.ts";
import type { Check, Gateway } from "../gateway.ts";
import { none } from "../schemas.ts";

const TAG = "Health";
const readiness = z.object({
  ready: z.boolean(),
  checks: z.array(z.object({ name: z.string(), ok: z.boolean(), detail: z.string() })).optional(),
}).meta({ id: "Readiness" });
const verboseQuery = z.strictObject({
  verbose: z.enum(["", "true", "false"]).optional().describe("With every check."),
});

/** Adds the routes. */
export function addHealth(api: Api, gateway: Gateway): void {
  api.addOpen("GET", "/livez", () => new Response("ok\n", { headers: textHeaders() }));
  api.add({
    method: "get",
    path: "/readyz",
    operationId: "getReadiness",
    tag: TAG,
    summary: "Whether requests would be answered now",
    scope: "viewer",
    params: none,
    query: verboseQuery,
    answers: [
      { status: 200, description: "They would.", schema: readiness },
      { status: 503, description: "They would not.", schema: readiness },
    ],
    handle: async (call) => {
      const { verbose = "false" } = call.query;
      const checks = [await quorumCheck(gateway, call), ...await gateway.checks()];
      if (verbose !== "false") checks.push(...await archiveChecks(gateway, call));
      const ready = checks.every(({ ok }) => ok);
      const body = verbose === "false" ? { ready } : { ready, checks };
      return json(body, ready ? 200 : 503, ready ? {} : { "retry-after": "1" });
    },
  });
  api.add({
    method: "get",
    path: "/metrics",
    operationId: "getMetrics",
    tag: TAG,
    summary: "Metrics of this node, for Prometheus",
    scope: "viewer",
    isClusterWide: true,
    params: none,
    query: none,
    answers: [{
      status: 200,
      description: "Text format 0.0.4.",
      schema: z.string(),
      mediaType: "text/plain",
    }],
    handle: () => {
      const all = [...gateway.metrics(), ...gateway.meter.metrics(gateway.node)];
      const headers = { "content-type": PROMETHEUS_CONTENT_TYPE };
      return new Response(prometheusText(all), { headers });
    },
  });
}

/** A linearizable read needs a leader that a majority follows. */
async function quorumCheck(
  { door }: Gateway,
  { principal }: Call<unknown, unknown>,
): Promise<Check> {
  const query = { type: "runs", states: null, labels: [], after: null, limit: 1 } satisfies Query;
  const { found, node } = await door.read(principal, "linearizable", query);
  return found.type === "none"
    ? { name: "quorum", ok: false, detail: found.message }
    : { name: "quorum", ok: true, detail: `${node} answers` };
}

/** Warnings: what is archived is answered all the same. For keys that may see the cluster. */
async function archiveChecks(
  { door }: Gateway,
  { principal }: Call<unknown, unknown>,
): Promise<Check[]> {
  if (principal.tenants !== null) return [];
  const { found } = await door.read(principal, "stale", { type: "cluster" });
  if (found.type !== "cluster") return [];
  return Object.entries(found.cluster.archives).map(([node, { warning, segments }]) => ({
    name: `archive of ${node}`,
    ok: true,
    detail: warning === null ? `${segments} segments are whole` : `warning: ${warning}`,
  }));
}

function textHeaders(): Record<string, string> {
  return { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
}
