/** A gateway on a node: as an app to be mounted, or behind a server of its own. */

import type { Node } from "../runtime/actor/node.ts";
import type { Env } from "../runtime/env/env.ts";
import type { HttpServer, HttpServing, HttpTls } from "../runtime/env/http_server.ts";
import type { Metric } from "../runtime/telemetry/prometheus.ts";
import type { MountableApp } from "./api.ts";
import { gatewayApp } from "./app.ts";
import type { LinkNews } from "./broken_links.ts";
import { deskDoor } from "./door.ts";
import { deskFeed, type Feed } from "./feed.ts";
import type { GatewaySettings } from "./gateway.ts";
import { gatewayLimits } from "./limits.ts";
import type { LiveLimits } from "./live/limits.ts";
import { liveMetrics } from "./live/metrics.ts";
import { RequestMeter } from "./request_meter.ts";

/** A node; one with links tells when those to controllers break. */
export type GatewayNode = Node & { readonly links?: LinkNews };

/** How a gateway is made. */
export interface OpenOptions extends GatewaySettings {
  /** The ids of the controllers' nodes as they are known now. */
  readonly controllers: () => readonly string[];
  /** Bounds of the live feed that differ from the defaults. */
  readonly live?: Partial<LiveLimits>;
}

/** A gateway that is not served yet. */
export interface OpenGateway {
  /** Answers `/livez`, `/v1/jobs` and so on below where it is mounted; links in answers begin there. */
  readonly app: MountableApp;
  /** What this gateway counts. */
  metrics(): readonly Metric[];
  /** Ends the streams of the live feed and what follows the controllers. */
  close(): Promise<void>;
}

/** How a gateway is started. */
export interface StartOptions extends OpenOptions {
  readonly serving: HttpServing;
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: HttpTls;
}

/** A gateway that serves. */
export interface RunningGateway {
  readonly url: string;
  /** What this gateway counts. */
  metrics(): readonly Metric[];
  /** Shows another certificate from now on; HttpServerError `tls`: it cannot be used, nothing has changed. */
  secure(tls: HttpTls): Promise<void>;
  /** Takes no more connections and lets running requests end, for `shutdownMs` at most. Idempotent. */
  stop(): Promise<void>;
}

/** The app of a gateway on a node that is linked with the controllers; throws where limits contradict. */
export function openGateway(node: GatewayNode, options: OpenOptions): OpenGateway {
  const { controllers, live: liveBounds, ...rest } = options;
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const door = deskDoor({ node, controllers, ...limits });
  const feed = deskFeed(node, controllers, liveBounds);
  const meter = new RequestMeter();
  const live = () => liveMetrics(node.id, feed.counts);
  const metrics = () => [...options.metrics?.() ?? [], ...live()];
  const app = gatewayApp({ ...rest, metrics, env: node.env, node: node.id, door, feed, meter });
  return {
    app,
    metrics: () => [...meter.metrics(node.id), ...live()],
    close: () => feed.close(),
  };
}

/** Serves a gateway on a node that is linked with the controllers. HttpServerError where it cannot. */
export async function startGateway(
  node: GatewayNode,
  options: StartOptions,
): Promise<RunningGateway> {
  const { serving, hostname, port, tls, ...rest } = options;
  const { env } = node;
  const { shutdownMs } = gatewayLimits(options.limits);
  const gateway = openGateway(node, rest);
  const server = await serving.serve(
    (request, connection) => gateway.app.fetch(request, { connection }),
    { hostname, port, ...(tls === undefined ? {} : { tls }) },
  ).catch(async (thrown: unknown) => {
    await gateway.close();
    throw thrown;
  });
  env.log.write("info", "the gateway serves", { url: server.url });
  const { metrics } = gateway;
  return {
    url: server.url,
    metrics,
    secure: (tls) => server.secure(tls),
    stop: () => stop(env, server, gateway, shutdownMs),
  };
}

/** Streams never end by themselves, so they are ended; requests do. */
async function stop(
  env: Env,
  server: HttpServer,
  feed: Pick<Feed, "close">,
  withinMs: number,
): Promise<void> {
  const ended = server.shutdown();
  await feed.close();
  await new Promise<void>((resolve) => {
    const timer = env.timers.after(withinMs, resolve);
    ended.finally(() => {
      timer.cancel();
      resolve();
    });
  });
}
