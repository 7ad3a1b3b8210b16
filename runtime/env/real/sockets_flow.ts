/** Stopping what a transport reads. */

import type { Socket as NetSocket } from "node:net";
import type { TLSSocket } from "node:tls";
import { SocketError } from "../errors.ts";

/** The reading of one transport; both calls are idempotent. */
export interface ReadFlow {
  stop(): void;
  start(): void;
}

/** What pausing the WebSocket does by itself is enough for plain TCP. */
export const PLAIN_FLOW: ReadFlow = { stop: () => {}, start: () => {} };

interface StreamHandle {
  readStop?(): unknown;
  readStart?(): unknown;
}

/** The TCP socket below a TLS socket of a server. */
export function parentOf(socket: TLSSocket): NetSocket | null {
  return (socket as unknown as { readonly _parent?: NetSocket })._parent ?? null;
}

/**
 * The reading of a TLS socket. In Deno 2.9.6 `TLSSocket.pause()` does not stop the TCP stream below:
 * what a fast sender sends is decrypted into memory without bound (300 MB in 2 s). Stopping the handle
 * of that stream does; it has no public name. `transport` is the TCP socket, where it is known.
 */
export function tlsFlow(
  socket: TLSSocket,
  transport: NetSocket | null = parentOf(socket),
): ReadFlow {
  const handle = (transport as unknown as { readonly _handle?: StreamHandle | null } | null)
    ?._handle;
  if (typeof handle?.readStop !== "function" || typeof handle.readStart !== "function") {
    throw new SocketError("tls", "cannot use TLS: this version of Deno cannot pause its sockets");
  }
  return {
    stop: () => {
      if (!socket.destroyed) handle.readStop!();
    },
    start: () => {
      if (!socket.destroyed) handle.readStart!();
    },
  };
}
