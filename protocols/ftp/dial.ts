/**
 * The one place of this folder that connects: `node:net` and `node:tls`, whose sockets are outside of Env,
 * since data connections must go on with the TLS session of their control connection, which Deno's own
 * sockets cannot. Simulation and most tests bring another {@link Dial}.
 *
 * In Deno 2.9.6 a TLS socket that is paused goes on taking bytes off the network, and loses its end
 * (both measured). So it always flows, and the stream below it is what stops.
 */

import type { Buffer } from "node:buffer";
import { isIP, Socket } from "node:net";
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from "node:tls";
import type { Clock, Env } from "../../runtime/env/env.ts";
import { ProtocolError } from "../errors.ts";
import { protocolLimits } from "../limits.ts";
import type { Dial, Line, Securing } from "./line.ts";
import {
  ANOTHER_CERTIFICATE,
  connectFailure,
  lineFailure,
  tlsFailure,
  whyUntrusted,
} from "./dial_failure.ts";
import { plainAddress } from "./passive.ts";

/** Connects by TCP. */
export function tcpDial({ clock, timers }: Pick<Env, "clock" | "timers">): Dial {
  return (address, port, shown) =>
    new Promise((resolve, reject) => {
      const socket = new Socket();
      socket.setNoDelay(true);
      const failed = (error: Error) => {
        timer.cancel();
        socket.destroy();
        reject(connectFailure(shown, address, port, error));
      };
      const timer = timers.after(protocolLimits.ftpConnectTimeoutMs, () => {
        failed(Object.assign(new Error("no answer"), { code: "ETIMEDOUT" }));
      });
      socket.once("error", failed);
      socket.connect({ host: address, port }, () => {
        timer.cancel();
        socket.off("error", failed);
        socket.setKeepAlive(true, protocolLimits.ftpKeepAliveMs);
        resolve(new SocketLine(socket, shown, clock));
      });
    });
}

interface StreamHandle {
  readStop?(): unknown;
  readStart?(): unknown;
}

/** A TCP connection, and the TLS on it once there is some. */
class SocketLine implements Line {
  readonly address: string;
  readonly #tcp: Socket;
  readonly #shown: string;
  readonly #clock: Clock;
  certificate: Uint8Array | null = null;
  cameBytes = 0;
  #tls: TLSSocket | null = null;
  readonly #came: Uint8Array[] = [];
  #isStopped = false;
  #isOver = false;
  #error: ProtocolError | null = null;
  #waiting: PromiseWithResolvers<Uint8Array | null> | null = null;
  #securing: PromiseWithResolvers<void> | null = null;
  readonly #closed: Promise<void>;

  constructor(tcp: Socket, shown: string, clock: Clock) {
    this.#tcp = tcp;
    this.#shown = shown;
    this.#clock = clock;
    this.address = plainAddress(tcp.remoteAddress ?? "");
    const closed = Promise.withResolvers<void>();
    this.#closed = closed.promise;
    tcp.once("close", () => {
      this.#over(null);
      closed.resolve();
    });
    this.#listen(tcp);
  }

  read(): Promise<Uint8Array | null> {
    const bytes = this.#came.shift();
    if (bytes !== undefined) {
      this.cameBytes -= bytes.length;
      if (this.#isStopped && this.cameBytes <= protocolLimits.ftpReceiveMaxBytes / 2) this.#flow();
      return Promise.resolve(bytes);
    }
    if (this.#error !== null) return Promise.reject(this.#error);
    if (this.#isOver) return Promise.resolve(null);
    this.#waiting = Promise.withResolvers();
    return this.#waiting.promise;
  }

  write(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#error !== null || this.#isOver) return reject(this.#error ?? this.#ended());
      // What is written may be written over: so the system must have it.
      (this.#tls ?? this.#tcp).write(bytes, (error) => {
        if (error === null || error === undefined) resolve();
        else reject(this.#error ?? lineFailure(this.#shown, error));
      });
    });
  }

  finish(): Promise<void> {
    if (this.#error !== null) return Promise.reject(this.#error);
    (this.#tls ?? this.#tcp).end();
    return Promise.resolve();
  }

  async secure(wanted: Securing): Promise<void> {
    if (this.#came.length > 0) {
      const message = `cannot trust ${this.#shown}: bytes came in clear where TLS was to begin; ` +
        "somebody may stand in between";
      throw new ProtocolError("insecure", message);
    }
    if (this.#error !== null || this.#isOver) throw this.#error ?? this.#ended();
    const securing = this.#securing = Promise.withResolvers<void>();
    this.#tcp.removeAllListeners("data");
    this.#tcp.removeAllListeners("end");
    const { like } = wanted;
    const session = like instanceof SocketLine ? like.#tls?.getSession() ?? null : null;
    try {
      this.#tls = connectTls(optionsOf(this.#tcp, wanted, session));
    } catch (thrown) { // a certificate or key that is none
      throw tlsFailure(this.#shown, wanted.name, thrown);
    }
    this.#tls.once("secureConnect", () => this.#judge(wanted));
    this.#listen(this.#tls, wanted.name);
    try {
      await securing.promise;
    } finally {
      this.#securing = null;
    }
  }

  async end(): Promise<void> {
    this.#over(null);
    this.#tls?.destroy();
    this.#tcp.destroy();
    await this.#closed;
  }

  /**
   * The handshake is over, so the other end has the key of the certificate that it shows, also where it
   * is not judged by TLS (measured); and nothing was sent yet.
   */
  #judge({ name, trusted }: Securing): void {
    const tls = this.#tls!;
    const shown = tls.getPeerCertificate() ?? {};
    this.certificate = shown.raw === undefined ? null : new Uint8Array(shown.raw);
    const { valid_from: from, valid_to: to } = shown;
    const isIt = trusted === null ? tls.authorized : isEqual(this.certificate, trusted);
    if (isIt && Date.parse(to ?? "") > this.#clock.now()) return this.#securing?.resolve();
    const error = trusted === null ? tls.authorizationError : new Error(ANOTHER_CERTIFICATE);
    const reason = whyUntrusted(error, from, to, this.#clock.now());
    this.#over(tlsFailure(this.#shown, name, reason));
    tls.destroy();
    this.#tcp.destroy();
  }

  #listen(socket: Socket | TLSSocket, name: string | null = null): void {
    socket.on("data", (bytes: Uint8Array) => this.#take(bytes));
    socket.on("end", () => this.#over(null));
    socket.on("close", () => this.#over(null));
    socket.on("error", (error: Error) => {
      const isHandshake = name !== null && this.#securing !== null;
      this.#over(
        isHandshake ? tlsFailure(this.#shown, name, error) : lineFailure(this.#shown, error),
      );
    });
  }

  #take(bytes: Uint8Array): void {
    if (this.#isOver) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting !== null) return waiting.resolve(bytes);
    this.#came.push(bytes);
    this.cameBytes += bytes.length;
    if (this.cameBytes >= protocolLimits.ftpReceiveMaxBytes && !this.#isStopped) this.#stop();
  }

  #stop(): void {
    this.#isStopped = true;
    if (this.#tls === null) this.#tcp.pause();
    else this.#handle()?.readStop?.();
  }

  #flow(): void {
    this.#isStopped = false;
    if (this.#tcp.destroyed) return;
    if (this.#tls === null) this.#tcp.resume();
    else this.#handle()?.readStart?.();
  }

  /** It has no public name. */
  #handle(): StreamHandle | null {
    return (this.#tcp as unknown as { readonly _handle?: StreamHandle | null })._handle ?? null;
  }

  #over(error: ProtocolError | null): void {
    this.#error ??= this.#isOver ? null : error;
    this.#isOver = true;
    this.#securing?.reject(this.#error ?? this.#ended());
    const waiting = this.#waiting;
    this.#waiting = null;
    if (waiting === null) return;
    if (this.#error === null) waiting.resolve(null);
    else waiting.reject(this.#error);
  }

  #ended(): ProtocolError {
    const message = `cannot go on with ${this.#shown}: the connection has ended`;
    return new ProtocolError("unreachable", message, { definite: false });
  }
}

/**
 * The certificate is judged by {@link SocketLine}, which can then say what is wrong with it. Deno 2.9.6 goes on
 * with a TLS session only where authorities and certificate are those of the system (measured): so where
 * one certificate is trusted, authorities are not named.
 */
function optionsOf(
  socket: Socket,
  { name, tls, trusted }: Securing,
  session: Buffer | null,
): ConnectionOptions {
  const { caCerts = [], cert, key } = tls ?? {};
  return {
    ...{ socket, host: name, minVersion: "TLSv1.2", rejectUnauthorized: false },
    ...(isIP(name) === 0 ? { servername: name } : {}),
    ...(caCerts.length === 0 || trusted !== null ? {} : { ca: [...caCerts] }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
    ...(session === null ? {} : { session }),
  };
}

function isEqual(one: Uint8Array | null, other: Uint8Array): boolean {
  return one?.length === other.length && one.every((byte, at) => byte === other[at]);
}
