/** What the routes work with: one value per gateway. */

import type { Env } from "../runtime/env/env.ts";
import type { HttpConnection } from "../runtime/env/http_server.ts";
import type { Metric } from "../runtime/telemetry/prometheus.ts";
import type { Door } from "./door.ts";
import { Idempotency } from "./idempotency.ts";
import { hexOf, KeyRing } from "./keys.ts";
import { type GatewayLimits, gatewayLimits } from "./limits.ts";
import { Operations } from "./operations.ts";
import { RateLimits } from "./rate.ts";
import { RequestMeter } from "./request_meter.ts";
import type { PlaceRule } from "./submission.ts";

/** What a server hands to the app beside a request; absent where the app is mounted elsewhere. */
export interface GatewayBindings {
  readonly connection?: HttpConnection;
}

/** Whether one thing that a gateway depends on is there. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** What is to be said of a gateway, wherever it runs. */
export interface GatewaySettings {
  readonly places: PlaceRule;
  /** Metrics of this node; those of the gateway are added. */
  readonly metrics?: () => readonly Metric[];
  /** More that has to be there before `readyz` says so. */
  readonly checks?: () => readonly Check[] | Promise<readonly Check[]>;
  readonly limits?: Partial<GatewayLimits>;
}

/** What a gateway is made of. */
export interface GatewayOptions extends GatewaySettings {
  readonly env: Env;
  /** The id of this node, for people. */
  readonly node: string;
  readonly door: Door;
  /** Counts the requests; one of its own unless given. */
  readonly meter?: RequestMeter;
}

/** The parts of a running gateway. */
export interface Gateway {
  readonly env: Env;
  readonly node: string;
  readonly door: Door;
  readonly places: PlaceRule;
  readonly limits: GatewayLimits;
  readonly keys: KeyRing;
  readonly idempotency: Idempotency;
  readonly operations: Operations;
  readonly meter: RequestMeter;
  /** Requests by API key. */
  readonly keyRate: RateLimits;
  /** Requests without a valid key by host. */
  readonly refusedRate: RateLimits;
  readonly metrics: () => readonly Metric[];
  readonly checks: () => readonly Check[] | Promise<readonly Check[]>;
  /** An id for a request: unlike that of any other request to any gateway. */
  readonly newRequestId: () => string;
}

const REQUEST_ID_BYTES = 8;

/** A gateway of these parts. */
export function gatewayOf(options: GatewayOptions): Gateway {
  const { env, node, door, places, metrics = () => [], checks = () => [] } = options;
  const limits = gatewayLimits(options.limits);
  // Random once, counted from there: random values for each request cost more than its routing.
  const prefix = hexOf(env.random.bytes(REQUEST_ID_BYTES));
  let requests = 0;
  return {
    newRequestId: () => `${prefix}-${(requests += 1).toString(36)}`,
    env,
    node,
    door,
    places,
    limits,
    keys: new KeyRing(door, env, limits),
    idempotency: new Idempotency(env, limits),
    operations: new Operations(env, limits),
    meter: options.meter ?? new RequestMeter(),
    keyRate: new RateLimits(env.clock, limits.requestsPerKey, limits.trackedKeys),
    refusedRate: new RateLimits(env.clock, limits.refusedPerAddress, limits.trackedKeys),
    metrics,
    checks,
  };
}
