/** Serving HTTP in a simulated world: requests of `Env.net` to `http://MACHINE:PORT` are answered here. */

import type { NetRequest, NetUpload } from "../env/env.ts";
import { HttpServerError, NetError } from "../env/errors.ts";
import type { HttpConnection, HttpHandler, HttpServing } from "../env/http_server.ts";
import type { SimulatedEnv } from "./env.ts";
import type { SimReply } from "./hosts.ts";

const FIRST_FREE_PORT = 49_152;

/**
 * The port of one life of a simulated process. Bodies go as a whole and TLS and WebSockets are not offered
 * (`Env.net` has none); once the life has ended, callers are refused.
 */
export function simHttpServing(env: SimulatedEnv): HttpServing {
  let nextPort = FIRST_FREE_PORT;
  return {
    serve: async (handler, { hostname, port, tls }) => {
      if (tls !== undefined) {
        throw new HttpServerError("tls", "serve HTTP: simulated servers speak no TLS");
      }
      const host = `${hostname}:${port === 0 ? nextPort++ : port}`;
      let isOpen = true;
      let running = 0;
      const ended = Promise.withResolvers<void>();
      env.world.hosts.set(host, async (request) => {
        if (!isOpen || !env.alive) {
          throw new NetError("refused", `cannot ${request.method} ${host}: nobody listens there`);
        }
        running += 1;
        try {
          return await answer(handler, request);
        } finally {
          running -= 1;
          if (!isOpen && running === 0) ended.resolve();
        }
      });
      return {
        url: `http://${host}`,
        secure: () =>
          Promise.reject(
            new HttpServerError("tls", "use another certificate: simulated servers speak no TLS"),
          ),
        shutdown: () => {
          isOpen = false;
          if (running === 0) ended.resolve();
          return ended.promise;
        },
      };
    },
  };
}

const CONNECTION: HttpConnection = {
  remoteAddress: "simulated:0",
  canUpgrade: false,
  upgrade: () => {
    throw new HttpServerError("notUpgradable", "open a WebSocket: simulated servers have none");
  },
};

async function answer(handler: HttpHandler, sent: NetRequest): Promise<SimReply> {
  const { url, method, headers, signal } = sent;
  const body = sent.body === undefined ? undefined : await wholeOf(sent.body);
  const request = new Request(url, {
    method,
    headers: { ...headers, ...(body === undefined ? {} : { "content-length": `${body.length}` }) },
    signal,
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const response = await handler(request, CONNECTION);
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  };
}

/** The bytes of a request's body, also of one that is still being made. */
export async function wholeOf(body: Uint8Array | NetUpload): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  const into = new Uint8Array(65_536);
  for (;;) {
    const count = await body.read(into);
    if (count === 0) break;
    parts.push(into.slice(0, count));
  }
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
