/**
 * What a node tells Prometheus: one answer of all its parts, at a door of its own. The door has no key, so
 * it listens on loopback unless it is told to listen elsewhere, and has nothing but numbers to give.
 */

import type { Env } from "../../runtime/env/env.ts";
import type { HttpServer, HttpServing } from "../../runtime/env/http_server.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import { realMachine } from "../../runtime/env/real/machine.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import { actorMetrics } from "../../runtime/telemetry/actor_metrics.ts";
import { linkMetrics } from "../../runtime/telemetry/link_metrics.ts";
import { processMetrics } from "../../runtime/telemetry/process_metrics.ts";
import {
  type Metric,
  PROMETHEUS_CONTENT_TYPE,
  prometheusText,
} from "../../runtime/telemetry/prometheus.ts";
import type { Place } from "../config/fields.ts";
import { VERSION } from "../verbs/version.ts";

/** Tells all metrics as they are now. */
export type ReadMetrics = () => readonly Metric[];

/** What every node has, whatever its roles: process, machine, actors, links. */
export function nodeMetrics(
  env: Env,
  node: Pick<LinkedNode, "id" | "metrics" | "links">,
  roles: readonly string[],
): ReadMetrics {
  const facts = { node: node.id, version: VERSION, roles, startedMs: env.clock.now() };
  const machine = realMachine();
  return () => [
    ...processMetrics(facts, machine),
    ...actorMetrics(node.id, node.metrics()),
    ...linkMetrics(node.id, node.links.peers()),
  ];
}

/** Answers `GET /metrics` and `GET /livez`, and nothing else. HttpServerError where it cannot. */
export function serveMetrics(
  place: Place,
  read: ReadMetrics,
  serving: HttpServing = realHttpServing,
): Promise<HttpServer> {
  return serving.serve((request) => answer(request, read), place);
}

function answer({ method, url }: Request, read: ReadMetrics): Response {
  const { pathname } = new URL(url);
  if (pathname !== "/metrics" && pathname !== "/livez") return plain(404, "not found\n");
  if (method !== "GET" && method !== "HEAD") {
    return plain(405, "only GET\n", { allow: "GET, HEAD" });
  }
  if (pathname === "/livez") return plain(200, "ok\n");
  const headers = { "content-type": PROMETHEUS_CONTENT_TYPE, "cache-control": "no-store" };
  return new Response(prometheusText(read()), { headers });
}

function plain(status: number, text: string, more: Record<string, string> = {}): Response {
  const headers = { "content-type": "text/plain; charset=utf-8", "cache-control": "no-store" };
  return new Response(text, { status, headers: { ...headers, ...more } });
}
