/** Serving HTTP with `Deno.serve`. */

import { createPrivateKey, X509Certificate } from "node:crypto";
import { messageOf } from "../../base/errors.ts";
import { HttpServerError } from "../errors.ts";
import { ENV_LIMITS } from "./limits.ts";
import type {
  HttpConnection,
  HttpHandler,
  HttpServer,
  HttpServing,
  HttpTls,
  ServeOptions,
  TextSocket,
  TextSocketEvents,
  Upgrade,
} from "../http_server.ts";

/** The real port. */
export const realHttpServing: HttpServing = { serve };

/** A port that was closed a moment ago may be taken still. */
const REBIND_PAUSE_MS = 5;
const REBIND_TRIES = 1_000;

async function serve(handler: HttpHandler, options: ServeOptions): Promise<HttpServer> {
  return new RealHttpServer(handler, options);
}

class RealHttpServer implements HttpServer {
  readonly url: string;
  readonly #handler: HttpHandler;
  readonly #where: { readonly hostname: string; readonly port: number };
  #tls: HttpTls | undefined;
  #server: Deno.HttpServer<Deno.NetAddr>;
  /** Ends when all is answered that came before the last change of certificates. */
  #earlier: Promise<void> = Promise.resolve();
  #isShut = false;

  constructor(handler: HttpHandler, { hostname, port, tls }: ServeOptions) {
    this.#handler = handler;
    this.#tls = tls;
    this.#where = { hostname, port };
    this.#server = this.#listen(tls);
    const { port: actual } = this.#server.addr;
    this.#where = { hostname, port: actual };
    const host = hostname.includes(":") ? `[${hostname}]` : hostname;
    this.url = `${tls === undefined ? "http" : "https"}://${host}:${actual}`;
  }

  async secure(tls: HttpTls): Promise<void> {
    const action = `use another certificate on ${this.url}`;
    if (this.#tls === undefined) {
      throw new HttpServerError("tls", `${action}: it is served without TLS; start it with one`);
    }
    checkPair(action, tls);
    if (this.#isShut) return;
    const before = this.#tls;
    this.#tls = tls;
    const ended = this.#server.shutdown();
    this.#earlier = Promise.all([this.#earlier, ended]).then(() => {});
    try {
      await this.#listenAgain(tls);
    } catch (error) {
      this.#tls = before;
      await this.#listenAgain(before);
      throw error;
    }
  }

  async shutdown(): Promise<void> {
    this.#isShut = true;
    await Promise.all([this.#server.shutdown(), this.#earlier]);
  }

  async #listenAgain(tls: HttpTls): Promise<void> {
    for (let tries = 1; !this.#isShut; tries += 1) {
      try {
        this.#server = this.#listen(tls);
        return;
      } catch (error) {
        const isTaken = error instanceof HttpServerError && error.code === "inUse";
        if (!isTaken || tries >= REBIND_TRIES) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, REBIND_PAUSE_MS));
    }
  }

  #listen(tls: HttpTls | undefined): Deno.HttpServer<Deno.NetAddr> {
    const { hostname, port } = this.#where;
    try {
      return Deno.serve(
        {
          hostname,
          port,
          tcpBacklog: ENV_LIMITS.httpBacklog.value,
          ...(tls === undefined ? {} : { cert: tls.cert, key: tls.key }),
          onListen: () => {},
          onError: () => new Response(null, { status: 500 }),
        },
        (request, from) => this.#handler(request, new Connection(request, from)),
      );
    } catch (thrown) {
      throw serveError(`${hostname}:${port}`, thrown);
    }
  }
}

/** Before the port is given up for it. */
function checkPair(action: string, { cert, key }: HttpTls): void {
  let fits: boolean;
  try {
    fits = new X509Certificate(cert).checkPrivateKey(createPrivateKey(key));
  } catch (cause) {
    throw new HttpServerError("tls", `${action}: ${messageOf(cause)}`, { cause });
  }
  if (!fits) throw new HttpServerError("tls", `${action}: certificate and key are no pair`);
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

/** Looks at nothing before it is asked: most requests need neither address nor upgrade. */
class Connection implements HttpConnection {
  readonly #request: Request;
  readonly #from: Deno.ServeHandlerInfo<Deno.NetAddr>;

  constructor(request: Request, from: Deno.ServeHandlerInfo<Deno.NetAddr>) {
    this.#request = request;
    this.#from = from;
  }

  get remoteAddress(): string {
    const { hostname, port } = this.#from.remoteAddr;
    return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
  }

  get canUpgrade(): boolean {
    return this.#request.headers.get("upgrade")?.toLowerCase() === "websocket";
  }

  upgrade(events: TextSocketEvents, chosen: { readonly protocol?: string } = {}): Upgrade {
    return upgrade(this.#request, events, chosen.protocol);
  }
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
