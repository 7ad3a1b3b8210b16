/** The typed errors of the ports of Env. */

import { type ErrorFacts, QuorusError } from "../base/errors.ts";
import type { DiskErrorCode, NetErrorCode } from "./env.ts";
import type { SocketErrorCode } from "./sockets.ts";

/** A failed call of {@link Disk}; `code` says why, the message names the call and the path. */
export class DiskError extends QuorusError<DiskErrorCode> {
  override readonly name = "DiskError";
  constructor(code: DiskErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, { ...facts, retryable: facts.retryable ?? code === "io" });
  }
}

/** A failed call of {@link Net}; `code` says why, the message names the host and never a credential. */
export class NetError extends QuorusError<NetErrorCode> {
  override readonly name = "NetError";
  constructor(code: NetErrorCode, message: string, facts: ErrorFacts = {}) {
    super(code, message, {
      ...facts,
      retryable: facts.retryable ?? (code !== "aborted" && code !== "tls"),
    });
  }
}

/** A key-value call that could not be served. */
export class KvError extends QuorusError<"locked" | "closed" | "tooLarge" | "io"> {
  override readonly name = "KvError";
}

/** A connection between nodes that could not be made; the message names both ends' addresses only. */
export class SocketError extends QuorusError<SocketErrorCode> {
  override readonly name = "SocketError";
  constructor(code: SocketErrorCode, message: string, facts: ErrorFacts = {}) {
    const retryable = code === "refused" || code === "unreachable" || code === "dns";
    super(code, message, { ...facts, retryable: facts.retryable ?? retryable });
  }
}

/** One side speaks TLS and the other does not: what each of them is told. */
export const TLS_MIXED = {
  /** `wss:` was dialled. */
  plainListener: {
    called:
      "the caller speaks TLS and this listener does not; have it dial ws://, or give this listener a certificate and key",
    calling:
      "the other end hung up instead of speaking TLS; if it listens without TLS, dial ws:// or give it a certificate and key, otherwise see its log",
  },
  /** `ws:` was dialled. */
  plainCaller: {
    called: "the caller speaks no TLS and this listener does; have it dial wss:// instead of ws://",
    calling: "the other end speaks TLS; dial wss:// instead of ws://",
  },
} as const;

/** A server that could not be started, or a request that is no WebSocket's. */
export class HttpServerError extends QuorusError<"inUse" | "denied" | "tls" | "notUpgradable"> {
  override readonly name = "HttpServerError";
}
