/** Listening for WebSockets on `node:http` and `node:https`. */

import { createServer, type IncomingMessage, type Server } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import type { AddressInfo, Socket as NetSocket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
// @ts-types="npm:@types/ws@8.18.2"
import type { WebSocketServer } from "ws";
import { limitValues } from "../../base/limits.ts";
import { SocketError } from "../errors.ts";
import type {
  ListenOptions,
  ListenTls,
  PeerCertificate,
  Socket,
  SocketListener,
} from "../sockets.ts";
import { peerCertificate } from "./sockets_certificate.ts";
import { socketError } from "./sockets_errors.ts";
import { parentOf, PLAIN_FLOW, tlsFlow } from "./sockets_flow.ts";
import { checkIdentity } from "./sockets_identity.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";
import { listenerReason } from "./sockets_mixed.ts";
import { loadWebSockets, type WebSocketPackage } from "./sockets_package.ts";
import { WebSocketEnd } from "./sockets_web.ts";

const LIMITS = limitValues(SOCKET_LIMITS);

/** `host:port`, with brackets about an IPv6 address. */
export function addressText(host: string, port: number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

function addressOf(socket: NetSocket | undefined): string {
  const { remoteAddress, remotePort } = socket ?? {};
  return addressText(remoteAddress ?? "unknown", remotePort ?? 0);
}

function makeServer(tls: ListenTls | undefined): Server | TlsServer {
  if (tls === undefined) return createServer();
  const { cert, key, caCerts = [] } = tls;
  const asking = caCerts.length > 0;
  // The handshake above tells a client what is wrong with its certificate, so TLS lets it pass.
  return createTlsServer({
    cert,
    key,
    minVersion: "TLSv1.2",
    handshakeTimeout: LIMITS.handshakeMs,
    ...(asking ? { ca: [...caCerts], requestCert: true, rejectUnauthorized: false } : {}),
  });
}

/** What a client has shown; `resumed` where TLS did not look at it at all. */
function shownBy(socket: TLSSocket, authorities: readonly string[]): PeerCertificate | null {
  const raw = socket.getPeerCertificate()?.raw as Uint8Array | undefined;
  if (raw === undefined || raw.length === 0) return null;
  return peerCertificate(new Uint8Array(raw), socket.authorized === true, authorities);
}

/** A server of links; connections that are no WebSocket yet are counted and timed. */
class Listening {
  readonly #options: ListenOptions;
  #tls: ListenTls | undefined;
  readonly #accept: (socket: Socket) => void;
  readonly #server: Server | TlsServer;
  readonly #web: WebSocketServer;
  /** Connections before their upgrade, with the timer that ends them. */
  readonly #early = new Map<NetSocket, ReturnType<typeof setTimeout>>();
  /** Where connections came from: a socket that has failed does not know any more. */
  readonly #addresses = new WeakMap<NetSocket, string>();

  constructor(ws: WebSocketPackage, options: ListenOptions, accept: (socket: Socket) => void) {
    this.#options = options;
    this.#tls = options.tls;
    this.#accept = accept;
    this.#web = new ws.WebSocketServer(
      {
        noServer: true,
        clientTracking: false,
        perMessageDeflate: false,
        maxPayload: options.bounds.frameBytes,
        closeTimeout: LIMITS.closeMs,
      } as ConstructorParameters<typeof WebSocketServer>[0],
    );
    this.#server = makeServer(options.tls);
    this.#attend(this.#server);
  }

  async start(action: string): Promise<SocketListener> {
    const { hostname, port, tls } = this.#options;
    const server = this.#server;
    await new Promise<void>((resolve, reject) => {
      const refused = (error: unknown) => reject(socketError(action, error));
      server.once("error", refused);
      try {
        server.listen(port, hostname, () => {
          server.off("error", refused);
          server.on("error", (error: Error) => this.#fail(undefined, error));
          resolve();
        });
      } catch (thrown) {
        refused(thrown);
      }
    });
    const { port: actual } = server.address() as AddressInfo;
    const scheme = tls === undefined ? "ws" : "wss";
    return {
      url: `${scheme}://${addressText(hostname, actual)}`,
      secure: (next) => this.#secure(next, action),
      close: () => this.#close(),
    };
  }

  #secure(tls: ListenTls, action: string): void {
    const server = this.#server;
    // Whether clients are asked for a certificate is fixed when a server is made.
    const isAsking = (given: ListenTls | undefined) => (given?.caCerts ?? []).length > 0;
    if (!("setSecureContext" in server) || isAsking(tls) !== isAsking(this.#tls)) {
      const why = "it was started without TLS, or with authorities and is to have none";
      throw new SocketError("tls", `cannot ${action} with another certificate: ${why}; restart it`);
    }
    checkIdentity(action, tls);
    const { cert, key, caCerts = [] } = tls;
    server.setSecureContext({
      cert,
      key,
      minVersion: "TLSv1.2",
      ...(isAsking(tls) ? { ca: [...caCerts] } : {}),
    });
    this.#tls = tls;
  }

  #attend(server: Server | TlsServer): void {
    server.on("connection", (socket: NetSocket) => this.#begin(socket)); // TLS comes after it
    server.on("tlsClientError", (error: Error, socket: NetSocket) => {
      this.#fail(socket, error);
      socket.destroy();
    });
    server.on("clientError", (error: Error, socket: Duplex) => {
      this.#fail(socket as NetSocket, error);
      socket.destroy();
    });
    server.on("request", (_request, response) => {
      response.writeHead(426, { Connection: "close", Upgrade: "websocket" });
      response.end("this port speaks WebSocket only\n");
    });
    server.on("upgrade", (request: IncomingMessage, socket: Duplex, head) => {
      this.#upgrade(request, socket as NetSocket, head);
    });
  }

  #begin(socket: NetSocket): void {
    this.#addresses.set(socket, addressOf(socket));
    const timer = setTimeout(() => {
      this.#fail(socket, new Error(`no WebSocket after ${LIMITS.handshakeMs} ms`));
      socket.destroy();
    }, LIMITS.handshakeMs);
    this.#early.set(socket, timer);
    socket.on("close", () => this.#forget(socket));
  }

  #forget(socket: NetSocket): void {
    clearTimeout(this.#early.get(socket));
    this.#early.delete(socket);
  }

  #upgrade(request: IncomingMessage, socket: NetSocket, head: Uint8Array): void {
    socket.on("error", () => {}); // its WebSocket tells of it
    const { bounds } = this.#options;
    const tls = this.#tls;
    const address = addressOf(socket);
    const secure = tls === undefined ? null : socket as TLSSocket;
    this.#forget(secure === null ? socket : parentOf(secure) ?? socket);
    // On a resumed session Deno 2.9.6 reports `authorized` for any certificate, a refused one too.
    if ((tls?.caCerts ?? []).length > 0 && secure!.isSessionReused() !== false) {
      this.#fail(socket, new Error("the TLS session was resumed, which proves no certificate"));
      socket.end("HTTP/1.1 403 TLS session resumed\r\nConnection: close\r\n\r\n");
      return;
    }
    this.#web.handleUpgrade(request, socket, head as Buffer, (web) => {
      socket.setNoDelay(true);
      const certificate = secure === null ? null : shownBy(secure, tls?.caCerts ?? []);
      const peer = { address, encrypted: secure !== null, own: false, certificate };
      const flow = secure === null ? PLAIN_FLOW : tlsFlow(secure);
      this.#accept(new WebSocketEnd(web, socket, flow, peer, bounds));
    });
  }

  #fail(socket: NetSocket | undefined, error: Error): void {
    const transport = socket === undefined ? undefined : parentOf(socket as TLSSocket) ?? socket;
    const address = transport === undefined ? undefined : this.#addresses.get(transport);
    const reason = listenerReason(error, this.#options.tls !== undefined);
    this.#options.failed?.(address ?? addressOf(socket), reason);
  }

  async #close(): Promise<void> {
    for (const socket of this.#early.keys()) socket.destroy();
    this.#server.close(); // its callback would wait for the connections that stand
    await new Promise<void>((resolve) => setTimeout(resolve));
  }
}

/** Deno 2.9.6 throws this refusal of `listen` where nobody can catch it, so it is asked for before. */
async function checkRight(action: string, host: string): Promise<void> {
  const { state } = await Deno.permissions.query({ name: "net", host });
  if (state === "granted") return;
  throw socketError(action, new Deno.errors.NotCapable(`net access to ${host} is not granted`));
}

/** Listens; see {@link Sockets.listen}. */
export async function listenWeb(
  options: ListenOptions,
  accept: (socket: Socket) => void,
): Promise<SocketListener> {
  const action = `listen on ${addressText(options.hostname, options.port)}`;
  await checkRight(action, addressText(options.hostname, options.port));
  const ws = await loadWebSockets(action);
  try {
    if (options.tls !== undefined) checkIdentity(action, options.tls);
    return await new Listening(ws, options, accept).start(action);
  } catch (thrown) {
    throw socketError(action, thrown);
  }
}
