/** Connecting WebSockets over `node:net` and `node:tls`. */

import type { IncomingMessage } from "node:http";
import { connect as connectTcp, isIP, type Socket as NetSocket } from "node:net";
import { connect as connectTls, type TLSSocket } from "node:tls";
// @ts-types="npm:@types/ws@8.18.2"
import type { ClientOptions, WebSocket } from "ws";
import { limitValues } from "../../base/limits.ts";
import type { TlsOptions } from "../env.ts";
import { SocketError } from "../errors.ts";
import type { CertificateProblem, ConnectOptions, PeerCertificate, Socket } from "../sockets.ts";
import { peerCertificate } from "./sockets_certificate.ts";
import {
  abortedError,
  certificateError,
  isCertificateFailure,
  socketError,
} from "./sockets_errors.ts";
import { PLAIN_FLOW, tlsFlow } from "./sockets_flow.ts";
import { checkIdentity } from "./sockets_identity.ts";
import { SOCKET_LIMITS } from "./sockets_limits.ts";
import { plainCallerError, plainListenerError } from "./sockets_mixed.ts";
import { loadWebSockets, type WebSocketPackage } from "./sockets_package.ts";
import { WebSocketEnd } from "./sockets_web.ts";

const LIMITS = limitValues(SOCKET_LIMITS);

interface Target {
  readonly url: string;
  readonly host: string;
  readonly port: number;
  readonly encrypted: boolean;
  readonly address: string;
  readonly action: string;
}

function targetOf(url: string): Target {
  const parsed = URL.parse(url);
  if (parsed === null || !/^wss?:$/.test(parsed.protocol)) {
    throw new SocketError("protocol", "cannot connect: give a URL as ws://host:port or wss://...");
  }
  const encrypted = parsed.protocol === "wss:";
  const port = parsed.port === "" ? (encrypted ? 443 : 80) : Number(parsed.port);
  const address = `${parsed.hostname}:${port}`;
  return {
    url: `${parsed.protocol}//${address}/`,
    host: parsed.hostname.replace(/^\[|\]$/g, ""),
    port,
    encrypted,
    address,
    action: `connect to ${parsed.protocol}//${address}`,
  };
}

/** A connection that carries nothing yet: the TCP socket, and what speaks TLS over it. */
interface Line {
  readonly tcp: NetSocket;
  readonly tls: TLSSocket | null;
  destroy(): void;
}

async function dial(
  target: Target,
  tls: TlsOptions,
  signal: AbortSignal,
  verify: boolean,
): Promise<Line> {
  const { host, port } = target;
  const tcp = connectTcp({ host, port, noDelay: true });
  await ready(tcp, "connect", signal);
  if (!target.encrypted) return { tcp, tls: null, destroy: () => tcp.destroy() };
  const secure = startTls(tcp, host, tls, verify);
  const destroy = () => {
    secure.destroy();
    tcp.destroy();
  };
  try {
    await ready(secure, "secureConnect", signal);
  } catch (thrown) {
    destroy();
    throw plainListenerError(target.action, thrown);
  }
  return { tcp, tls: secure, destroy };
}

function startTls(tcp: NetSocket, host: string, tls: TlsOptions, verify: boolean): TLSSocket {
  const { caCerts = [], cert, key } = tls;
  try {
    return connectTls({
      socket: tcp,
      minVersion: "TLSv1.2",
      rejectUnauthorized: verify,
      checkServerIdentity: () => undefined,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      ...(caCerts.length === 0 ? {} : { ca: [...caCerts] }),
      ...(cert === undefined || key === undefined ? {} : { cert, key }),
    });
  } catch (thrown) { // a certificate or key that is none
    tcp.destroy();
    throw thrown;
  }
}

/** Waits for `event` of a socket that belongs to us until then; whatever goes wrong destroys it. */
function ready(socket: NetSocket, event: string, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      socket.off("close", closed);
      signal.removeEventListener("abort", aborted);
      act();
    };
    const fail = (error: unknown) =>
      settle(() => {
        socket.destroy();
        reject(error);
      });
    const aborted = () => fail(signal.reason);
    const closed = () => fail(Object.assign(new Error("closed early"), { code: "ECONNRESET" }));
    socket.on("error", fail); // stays: later ones have no other listener before the upgrade
    socket.on("close", closed);
    socket.once(event, () => settle(resolve));
    if (signal.aborted) aborted();
    else signal.addEventListener("abort", aborted);
  });
}

/** Looks at the certificate that was refused, over a connection that carries nothing. */
async function findProblem(target: Target, options: ConnectOptions): Promise<CertificateProblem> {
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(LIMITS.probeMs)]);
  const caCerts = options.tls?.caCerts ?? []; // our own certificate is nobody's business here
  try {
    const line = await dial(target, { caCerts }, signal, false);
    const problem = shownBy(line.tls!, false, caCerts)?.problem ?? "invalid";
    line.destroy();
    return problem;
  } catch {
    return "invalid";
  }
}

function shownBy(
  socket: TLSSocket,
  verified: boolean,
  authorities: readonly string[],
): PeerCertificate | null {
  const raw = socket.getPeerCertificate()?.raw as Uint8Array | undefined;
  if (raw === undefined || raw.length === 0) return null;
  return peerCertificate(new Uint8Array(raw), verified, authorities);
}

/** The server's certificate, verified; throws if it is not. */
function verifiedCertificate(target: Target, options: ConnectOptions, socket: TLSSocket) {
  const verified = socket.authorized === true && socket.isSessionReused() === false;
  const certificate = shownBy(socket, verified, options.tls?.caCerts ?? []);
  if (!verified || certificate === null || certificate.problem !== null) {
    throw certificateError(target.action, certificate?.problem ?? "invalid", undefined);
  }
  return certificate;
}

/** Makes `socket` a WebSocket; resolves in the turn in which it stands. */
async function upgrade(
  ws: WebSocketPackage,
  target: Target,
  options: ConnectOptions,
  line: Line,
): Promise<Socket> {
  const { signal, bounds } = options;
  const clientOptions: ClientOptions & { closeTimeout: number } = {
    createConnection: () => line.tls ?? line.tcp,
    perMessageDeflate: false,
    maxPayload: bounds.frameBytes,
    closeTimeout: LIMITS.closeMs,
    ...maskOf(target),
  };
  const certificate = line.tls === null ? null : verifiedCertificate(target, options, line.tls);
  const flow = line.tls === null ? PLAIN_FLOW : tlsFlow(line.tls, line.tcp);
  const web: WebSocket = new ws.WebSocket(target.url, clientOptions);
  return new Promise((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener("abort", aborted);
      web.terminate();
      line.destroy();
      reject(error);
    };
    const aborted = () => fail(signal.reason);
    signal.addEventListener("abort", aborted);
    web.on("error", fail);
    web.on("unexpected-response", (_request, response: IncomingMessage) => {
      const { statusCode, statusMessage } = response;
      fail(
        new SocketError(
          "protocol",
          `cannot ${target.action}: it answered ${statusCode} ${statusMessage}; ` +
            "check that a node listens there",
        ),
      );
    });
    web.once("open", () => {
      signal.removeEventListener("abort", aborted);
      web.off("error", fail);
      const peer = {
        address: target.address,
        encrypted: target.encrypted,
        own: false,
        certificate,
      };
      resolve(new WebSocketEnd(web, line.tls ?? line.tcp, flow, peer, bounds));
    });
    if (signal.aborted) aborted();
  });
}

/**
 * Masking keeps what a client sends from looking like HTTP to a proxy on the way (RFC 6455, 10.3). In
 * TLS and on loopback nobody is on the way, and a mask of zeros costs nothing on either side.
 */
function maskOf(target: Target): Pick<ClientOptions, "generateMask"> {
  const alone = target.encrypted || /^(127\.[\d.]+|::1|localhost)$/.test(target.host);
  return alone ? { generateMask: (mask) => mask.fill(0) } : {};
}

async function establish(
  ws: WebSocketPackage,
  target: Target,
  options: ConnectOptions,
): Promise<Socket> {
  const line = await dial(target, options.tls ?? {}, options.signal, true);
  try {
    return await upgrade(ws, target, options, line);
  } catch (thrown) {
    line.destroy();
    throw plainCallerError(target.action, thrown);
  }
}

/** Connects; see {@link Sockets.connect}. */
export async function connectWeb(options: ConnectOptions): Promise<Socket> {
  const target = targetOf(options.url);
  const { action } = target;
  const ws = await loadWebSockets(action);
  try {
    options.signal.throwIfAborted();
    checkIdentity(action, options.tls ?? {});
    return await establish(ws, target, options);
  } catch (thrown) {
    if (options.signal.aborted) throw abortedError(action, options.signal);
    if (thrown instanceof SocketError || !isCertificateFailure(thrown)) {
      throw socketError(action, thrown);
    }
    throw certificateError(action, await findProblem(target, options), thrown);
  }
}
