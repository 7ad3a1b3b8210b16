/** `quorus gateway`: a node that serves the API. */

import { GATEWAY_LIMITS } from "../../gateway/limits.ts";
import { startGateway } from "../../gateway/start.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { GatewaySettings } from "../config/roles.ts";
import { changedLimits } from "./changed_limits.ts";
import { nodeMetrics } from "./metrics.ts";
import { placeRule } from "./places.ts";
import type { Part } from "./serve.ts";

/** The settings that a gateway is started with. */
export type GatewayPart = Pick<GatewaySettings, "controllers" | "http" | "allowLocal"> & {
  readonly limits: Pick<GatewaySettings["limits"], "gateway">;
};

/** Starts to serve; its own `/metrics` tells those of all `parts` of the node. */
export async function startGatewayPart(
  node: LinkedNode,
  settings: GatewayPart,
  parts: readonly Part[] = [],
): Promise<Part> {
  const controllers = Object.keys(settings.controllers);
  const roles = [...parts.map(({ role }) => role), "gateway"];
  const own = nodeMetrics(node.env, node, roles);
  const gateway = await startGateway(node, {
    serving: realHttpServing,
    ...settings.http,
    controllers: () => controllers,
    places: placeRule(settings.allowLocal),
    metrics: () => [...own(), ...parts.flatMap((part) => part.metrics())],
    limits: changedLimits(GATEWAY_LIMITS, settings.limits.gateway),
  });
  const { url, metrics } = gateway;
  return { role: "gateway", http: url, metrics, drain: () => gateway.stop() };
}
