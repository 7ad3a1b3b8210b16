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
