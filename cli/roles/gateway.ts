/** `quorus gateway`: a node that serves the API. */

import { GATEWAY_LIMITS } from "../../gateway/limits.ts";
import { LIVE_LIMITS } from "../../gateway/live/limits.ts";
import { startGateway } from "../../gateway/start.ts";
import { realHttpServing } from "../../runtime/env/real/http_server.ts";
import type { LinkedNode } from "../../runtime/remote/linked_node.ts";
import type { GatewaySettings } from "../config/roles.ts";
import type { KnownControllers } from "../../actors/directory/known.ts";
import { isLoopback } from "../../runtime/remote/hub_options.ts";
import { CliError } from "../exit.ts";
import { loadPlugIns } from "../plug_ins.ts";
import type { Certificates } from "./certificates.ts";
import { changedLimits } from "./changed_limits.ts";
import { nodeMetrics } from "./metrics.ts";
import { placeRule } from "./places.ts";
import type { Part } from "./serve.ts";
import { readHttpTls } from "./tls.ts";

/** The settings that a gateway is started with. */
export type GatewayPart =
  & Pick<
    GatewaySettings,
    "controllers" | "http" | "httpTls" | "allowPlainHttp" | "allowLocal" | "protocols"
  >
  & { readonly limits: Pick<GatewaySettings["limits"], "gateway" | "live"> };

/** What a gateway shares with the node and its other parts. */
export interface GatewayHost {
  /** Where relative paths of settings start. */
  readonly directory: string;
  readonly certificates: Certificates;
  /** The controllers as they are known now. */
  readonly known: KnownControllers;
  /** The node's other parts, whose metrics its own `/metrics` tells too. */
  readonly parts: readonly Part[];
}

/** Starts to serve. */
export async function startGatewayPart(
  node: LinkedNode,
  settings: GatewayPart,
  { directory, certificates, known, parts }: GatewayHost,
): Promise<Part> {
  const { http, httpTls: files } = settings;
  checkPlaceOfApi(settings);
  const { disk } = node.env;
  const roles = [...parts.map(({ role }) => role), "gateway"];
  const own = nodeMetrics(node.env, node, roles);
  const gateway = await startGateway(node, {
    serving: realHttpServing,
    ...http,
    ...(files === undefined ? {} : { tls: await readHttpTls(disk, files) }),
    controllers: () => known.ids,
    places: placeRule(settings.allowLocal, await loadPlugIns(settings.protocols, directory)),
    checks: () => certificates.checks(),
    metrics: () => [...own(), ...parts.flatMap((part) => part.metrics())],
    limits: changedLimits(GATEWAY_LIMITS, settings.limits.gateway),
    live: changedLimits(LIVE_LIMITS, settings.limits.live),
  });
  if (files !== undefined) {
    certificates.keep({
      use: "API",
      cert: files.cert,
      files: [files.cert, files.key],
      take: async () => await gateway.secure(await readHttpTls(disk, files)),
    });
  }
  const { url, metrics } = gateway;
  return { role: "gateway", http: url, metrics, drain: () => gateway.stop() };
}

/** Keys travel with every request: beyond this machine they are encrypted, unless somebody says otherwise. */
function checkPlaceOfApi({ http, httpTls, allowPlainHttp }: GatewayPart): void {
  if (httpTls !== undefined || allowPlainHttp || isLoopback(http.hostname)) return;
  throw new CliError(
    "invalidInput",
    `cannot serve the API on ${http.hostname}:${http.port} without TLS: API keys would travel in ` +
      "the clear; configure httpTls, or allow it (allowPlainHttp), such as behind a proxy with TLS",
  );
}
