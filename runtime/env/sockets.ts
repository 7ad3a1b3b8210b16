/**
 * Connections between nodes as Env shows them: ordered frames of bytes both ways, with backpressure.
 * A WebSocket, the port of a Worker and a simulated stream are all a {@link Socket}; who may talk is
 * decided above, in `runtime/remote`.
 */

import type { TlsOptions } from "./env.ts";

/** What is wrong with a certificate that was shown; `null` in its place means nothing. */
export type CertificateProblem = "unknownAuthority" | "expired" | "notYetValid" | "invalid";

/** The certificate that the other end has shown. */
export interface PeerCertificate {
  /** Its URI and DNS alternative names and its common name. */
  readonly names: readonly string[];
  /** SHA-256 of the certificate, lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly validToMs: number;
  /** Why it proves nothing. A client refuses a server's bad certificate itself. */
  readonly problem: CertificateProblem | null;
}

/** What the transport knows of the other end. */
export interface SocketPeer {
  /** For messages to people: `host:port`, or `worker NAME`. */
  readonly address: string;
  readonly encrypted: boolean;
  /** The other end is a part of this process that we started ourselves, or that started us. */
  readonly own: boolean;
  readonly certificate: PeerCertificate | null;
}

/** How a connection ended. Codes are those of RFC 6455, section 7.4; 1006 means without a goodbye. */
export interface SocketEnd {
  readonly code: number;
  /** What the other end said, at most 123 bytes of UTF-8. */
  readonly reason: string;
}

/** What a socket tells its owner. */
export interface SocketEvents {
  /** One frame, in order; its memory is the receiver's. */
  frame(bytes: Uint8Array): void;
  /**
   * The same for a frame that has come in two parts, for owners that need not have it as one: `rest` is
   * where the other end's was. Without it, every frame is put together.
   */
  parts?(bytes: Uint8Array, rest: Uint8Array): void;
  /** `bufferedBytes` has fallen to the low mark after it was above it. */
  drained(): void;
  /** Exactly once, and last. */
  closed(end: SocketEnd): void;
}

/** One connection. */
export interface Socket {
  readonly peer: SocketPeer;
  /** Bytes that were given to {@link send} and have not left yet. */
  readonly bufferedBytes: number;
  /** Begins to deliver; what came earlier was kept. Call it once. */
  open(events: SocketEvents): void;
  /** Queues one frame; its memory is the socket's from now on. Does nothing once closed. */
  send(frame: Uint8Array): void;
  /**
   * The same for a frame that continues in `rest`, which is not copied: it must stay as it is until it
   * has left. One that is moved away before costs the connection, never a byte of another frame. Sockets
   * that would copy it all the same have no such call.
   */
  sendParts?(frame: Uint8Array, rest: Uint8Array): void;
  /** Takes frames of up to so many bytes from now on: the other end has proved who it is. */
  widen?(frameBytes: number): void;
  /** No more frames until {@link resume}: the other end's `bufferedBytes` grows. */
  pause(): void;
  resume(): void;
  /**
   * Ends after what was sent; both ends get code and reason. What still comes is dropped: after this
   * only `closed` is told. Idempotent.
   */
  close(code: number, reason: string): void;
  /** Ends now; both ends get 1006. */
  destroy(): void;
}

/** Bounds of one socket. */
export interface SocketBounds {
  /** A longer frame ends the connection with code 1009. */
  readonly frameBytes: number;
  /** `drained` comes when `bufferedBytes` falls to this. */
  readonly lowBytes: number;
}

/** TLS of a listener: PEM texts. */
export interface ListenTls {
  readonly cert: string;
  readonly key: string;
  /** Authorities of client certificates. With any, clients are asked for one; see `PeerCertificate.problem`. */
  readonly caCerts?: readonly string[];
}

/** Where to listen. */
export interface ListenOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: ListenTls;
  readonly bounds: SocketBounds;
  /** A connection that failed before it was one, such as a TLS handshake; for the log. */
  readonly failed?: (address: string, reason: string) => void;
}

/** A listening socket. */
export interface SocketListener {
  /** `ws://` or `wss://`, host and actual port. */
  readonly url: string;
  /**
   * Certificate and authorities for connections from now on; those that stand go on. SocketError `tls`
   * where they cannot be used, or where the listener is a plain one: then nothing has changed.
   */
  secure(tls: ListenTls): void;
  /** Takes no more; connections that stand go on. */
  close(): Promise<void>;
}

/** Where to connect. */
export interface ConnectOptions {
  /** `ws://host:port` or `wss://host:port`. */
  readonly url: string;
  /** For `wss:`: our certificate and the authorities that we trust (the system's if none is given). */
  readonly tls?: TlsOptions;
  readonly bounds: SocketBounds;
  /** Gives up with `aborted`. */
  readonly signal: AbortSignal;
}

/** Why there is no connection. `certificate` says in its details which {@link CertificateProblem}. */
export type SocketErrorCode =
  | "refused"
  | "unreachable"
  | "dns"
  | "certificate"
  | "tls"
  | "protocol"
  | "aborted"
  | "inUse"
  | "denied";

/** Connections to other processes. Every failure is a `SocketError` with a {@link SocketErrorCode}. */
export interface Sockets {
  listen(options: ListenOptions, accept: (socket: Socket) => void): Promise<SocketListener>;
  /**
   * Connects. The name in a server's certificate is not compared with the URL: the certificate names
   * a node, and the handshake above compares.
   */
  connect(options: ConnectOptions): Promise<Socket>;
}

/** A Worker and the connection to it. */
export interface WorkerHandle {
  readonly socket: Socket;
  /** Ends the Worker now; its socket closes with 1006. Idempotent. */
  terminate(): void;
}

/** Threads of this process. */
export interface Workers {
  /** Starts the module at `specifier` (an absolute URL) as a Worker; it takes {@link parent}. */
  start(specifier: string, options: { readonly name: string }): WorkerHandle;
  /** In a Worker: the connection to who started it; `null` elsewhere. */
  readonly parent: Socket | null;
  /** In a Worker: the name it was started under; `null` elsewhere. */
  readonly name: string | null;
}
