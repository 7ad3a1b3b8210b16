/** Serving HTTP with `Deno.serve`. */

import { messageOf } from "../../base/errors.ts";
import { HttpServerError } from "../errors.ts";
import type {
  HttpConnection,
  HttpHandler,
  HttpServer,
  HttpServing,
  ServeOptions,
  TextSocket,
  TextSocketEvents,
  Upgrade,
} from "../http_server.ts";

/** The real port. */
export const realHttpServing: HttpServing = { serve };

async function serve(handler: HttpHandler, options: ServeOptions): Promise<HttpServer> {
  const { hostname, port, tls } = options;
  let server: Deno.HttpServer<Deno.NetAddr>;
  try {
    server = Deno.serve(
      {
        hostname,
        port,
        ...(tls === undefined ? {} : { cert: tls.cert, key: tls.key }),
        onListen: () => {},
        onError: () => new Response(null, { status: 500 }),
      },
      (request, { remoteAddr }) => handler(request, connectionOf(request, remoteAddr)),
    );
  } catch (thrown) {
    throw serveError(`${hostname}:${port}`, thrown);
  }
  const { port: actual } = server.addr;
  const host = hostname.includes(":") ? `[${hostname}]` : hostname;
  return {
    url: `${tls === undefined ? "http" : "https"}://${host}:${actual}`,
    shutdown: () => server.shutdown(),
  };
}

function serveError(address: string, thrown: unknown): HttpServerError {
  const action = `serve HTTP on ${address}`;
  if (thrown instanceof Deno.errors.AddrInUse) {
    return new HttpServerError(
      "inUse",
      `${action}: the port is taken; choose another, or 0 for a free one`,
      { cause: thrown },
    );
  }
  if (thrown instanceof Deno.errors.NotCapable || thrown instanceof Deno.errors.PermissionDenied) {
    return new HttpServerError(
      "denied",
      `${action}: not allowed; start with --allow-net=${address}`,
      { cause: thrown },
    );
  }
  return new HttpServerError("tls", `${action}: ${messageOf(thrown)}`, { cause: thrown });
}

function connectionOf(request: Request, remote: Deno.NetAddr): HttpConnection {
  return {
    get remoteAddress() {
      const host = remote.hostname.includes(":") ? `[${remote.hostname}]` : remote.hostname;
      return `${host}:${remote.port}`;
    },
    get canUpgrade() {
      return request.headers.get("upgrade")?.toLowerCase() === "websocket";
    },
    upgrade: (events, chosen = {}) => upgrade(request, events, chosen.protocol),
  };
}

function upgrade(
  request: Request,
  events: TextSocketEvents,
  protocol: string | undefined,
): Upgrade {
  let upgraded: Deno.WebSocketUpgrade;
  try {
    upgraded = Deno.upgradeWebSocket(request, protocol === undefined ? {} : { protocol });
  } catch (cause) {
    throw new HttpServerError(
      "notUpgradable",
      `open a WebSocket: the request asks for none (${messageOf(cause)})`,
      { cause },
    );
  }
  const { socket, response } = upgraded;
  const opened = new Promise<TextSocket>((resolve) => {
    socket.addEventListener("open", () => resolve(textSocket(socket)), { once: true });
  });
  socket.addEventListener("message", ({ data }) => {
    if (typeof data === "string") events.text(data);
    else socket.close(1003, "texts only");
  });
  socket.addEventListener("close", ({ code, reason }) => events.closed(code, reason), {
    once: true,
  });
  // `close` follows; without a listener Deno would report it as unhandled.
  socket.addEventListener("error", (event) => event.preventDefault());
  return { response, opened };
}

function textSocket(socket: WebSocket): TextSocket {
  return {
    get bufferedBytes() {
      return socket.bufferedAmount;
    },
    send: (text) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(text);
    },
    close: (code, reason) => {
      if (socket.readyState < WebSocket.CLOSING) socket.close(code, reason);
    },
  };
}
