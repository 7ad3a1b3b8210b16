/** A gateway that serves: the app behind a server, from start to shutdown. */

import type { Node } from "../runtime/actor/node.ts";
import type { Env } from "../runtime/env/env.ts";
import type { HttpServer, HttpServing, HttpTls } from "../runtime/env/http_server.ts";
import { type AppOptions, gatewayApp } from "./app.ts";
import { deskDoor } from "./door.ts";
import { deskFeed, type Feed } from "./feed.ts";
import { gatewayLimits } from "./limits.ts";

/** How a gateway is started. */
export interface StartOptions extends Omit<AppOptions, "env" | "node" | "door" | "feed"> {
  readonly serving: HttpServing;
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: HttpTls;
  /** The ids of the controllers' nodes as they are known now. */
  readonly controllers: () => readonly string[];
}

/** A gateway that serves. */
export interface RunningGateway {
  readonly url: string;
  /** Takes no more connections and lets running requests end, for `shutdownMs` at most. Idempotent. */
  stop(): Promise<void>;
}

/** Starts a gateway on a node that is linked with the controllers. HttpServerError where it cannot. */
export async function startGateway(node: Node, options: StartOptions): Promise<RunningGateway> {
  const { serving, hostname, port, tls, controllers, ...rest } = options;
  const { env } = node;
  const { shutdownMs } = gatewayLimits(options.limits);
  const limits = options.limits === undefined ? {} : { limits: options.limits };
  const door = deskDoor({ node, controllers, ...limits });
  const feed = deskFeed(node, controllers);
  const app = gatewayApp({ ...rest, env, node: node.id, door, feed });
  const server = await serving.serve(
    (request, connection) => app.fetch(request, { connection }),
    { hostname, port, ...(tls === undefined ? {} : { tls }) },
  ).catch(async (thrown: unknown) => {
    await feed.close();
    throw thrown;
  });
  env.log.write("info", "the gateway serves", { url: server.url });
  return { url: server.url, stop: () => stop(env, server, feed, shutdownMs) };
}

/** Streams never end by themselves, so they are ended; requests do. */
async function stop(env: Env, server: HttpServer, feed: Feed, withinMs: number): Promise<void> {
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
