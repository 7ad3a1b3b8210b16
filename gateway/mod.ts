/**
 * The HTTP door of a Quorus cluster, to be served or mounted: {@link startGateway} serves it,
 * {@link gatewayApp} is a Hono app.
 *
 * @module
 */

export { gatewayApp } from "./app.ts";
export type { AppOptions } from "./app.ts";
export type { AppEnv, MountableApp } from "./api.ts";
export { startGateway } from "./start.ts";
export type { RunningGateway, StartOptions } from "./start.ts";
export type { Check, GatewayBindings, GatewayOptions } from "./gateway.ts";
export { deskDoor, DoorError } from "./door.ts";
export type {
  Consistency,
  Door,
  DoorOptions,
  EventPage,
  ReadOptions,
  WriteOptions,
} from "./door.ts";
export { deskFeed } from "./feed.ts";
export type { Feed } from "./feed.ts";
export type { FeedReader } from "./live/feed.ts";
export type { PlaceRule } from "./submission.ts";
export { GATEWAY_LIMITS } from "./limits.ts";
export type { GatewayLimits } from "./limits.ts";
export type {
  Answer,
  LiveEvent,
  Principal,
  Query,
  WriteRequest,
  Written,
} from "../actors/desk/messages.ts";
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
