/**
 * Serving HTTP, as a port: requests in, responses out, and a WebSocket where one is asked for. It is a
 * value of its own beside `Env`: only a gateway serves.
 */

/** TLS of a server: PEM texts. */
export interface HttpTls {
  readonly cert: string;
  readonly key: string;
}

/** Where to serve. */
export interface ServeOptions {
  readonly hostname: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly tls?: HttpTls;
}

/** What a text channel tells its owner. */
export interface TextSocketEvents {
  /** One message of the other end; binary ones end the connection with code 1003. */
  text(text: string): void;
  /** Exactly once, and last. Codes are those of RFC 6455, section 7.4. */
  closed(code: number, reason: string): void;
}

/** A WebSocket to a client: texts both ways. */
export interface TextSocket {
  /** Bytes that were sent and have not left yet; whoever sends must watch it, nothing else does. */
  readonly bufferedBytes: number;
  /** Queues one message; does nothing once closed. */
  send(text: string): void;
  /** Ends after what was sent. Idempotent. */
  close(code: number, reason: string): void;
}

/** A WebSocket that is being opened. */
export interface Upgrade {
  /** What the handler has to return, as it is. */
  readonly response: Response;
  /** Usable once `opened`; never resolves where the client went away before. */
  readonly opened: Promise<TextSocket>;
}

/** The connection that a request came over. */
export interface HttpConnection {
  /** `host:port` of the other end; for logs and limits. */
  readonly remoteAddress: string;
  /** Whether the request asks for a WebSocket and one can be had. */
  readonly canUpgrade: boolean;
  /**
   * Makes a WebSocket of a request; HttpServerError `notUpgradable` where it asks for none. `protocol`: the
   * subprotocol that was chosen.
   */
  upgrade(events: TextSocketEvents, options?: { readonly protocol?: string }): Upgrade;
}

/** Answers a request; what it throws becomes a bare 500. */
export type HttpHandler = (
  request: Request,
  connection: HttpConnection,
) => Response | Promise<Response>;

/** A server that serves. */
export interface HttpServer {
  /** `http://` or `https://`, host and actual port. */
  readonly url: string;
  /**
   * Takes connections with this certificate from now on; requests and WebSockets that are under way go
   * on. For some milliseconds nobody listens. HttpServerError `tls`: it cannot be used, nothing has
   * changed.
   */
  secure(tls: HttpTls): Promise<void>;
  /** Takes no more connections, lets running requests end, and resolves when they have. Idempotent. */
  shutdown(): Promise<void>;
}

/** Serves HTTP; failures are a `HttpServerError`. */
export interface HttpServing {
  serve(handler: HttpHandler, options: ServeOptions): Promise<HttpServer>;
}
