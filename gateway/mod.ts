/**
 * The HTTP door of a Quorus cluster: {@link startGateway} serves it, {@link openGateway} gives it as a Hono
 * app to be mounted in a service of one's own.
 *
 * ```ts ignore
 * const { app, close } = openGateway(node, {
 *   controllers: () => ["c1", "c2", "c3"],
 *   places: { schemes: ["https", "file"], refuse: () => null },
 * });
 * const service = new Hono().route("/quorus", app);
 * ```
 *
 * @module
 */

export { openGateway, startGateway } from "./start.ts";
export type {
  GatewayNode,
  OpenGateway,
  OpenOptions,
  RunningGateway,
  StartOptions,
} from "./start.ts";
export type { AppEnv, MountableApp } from "./api.ts";
export type { Check, GatewayBindings, GatewaySettings } from "./gateway.ts";
export type { PlaceRule } from "./submission.ts";
export { GATEWAY_LIMITS } from "./limits.ts";
export type { GatewayLimits } from "./limits.ts";
export { LIVE_LIMITS } from "./live/limits.ts";
export type { LiveLimits } from "./live/limits.ts";
export type {
  HttpConnection,
  HttpHandler,
  HttpServer,
  HttpServing,
  HttpTls,
  ServeOptions,
  TextSocket,
  TextSocketEvents,
  Upgrade,
} from "../runtime/env/http_server.ts";
export type { LinkNews } from "./broken_links.ts";
