/** Letting a WebSocket that stands take longer frames. */

// @ts-types="npm:@types/ws@8.18.2"
import type { WebSocket } from "ws";
import { SocketError } from "../errors.ts";

interface Receiver {
  _maxPayload?: unknown;
}

/**
 * Takes frames of up to `frameBytes` from now on, if that is more than before. `ws` 8 knows one bound, and
 * a stranger's must be small while that of a peer is not; the field has no public name.
 */
export function widenReceiver(web: WebSocket, frameBytes: number): void {
  const receiver = (web as unknown as { readonly _receiver?: Receiver | null })._receiver;
  if (receiver === null || receiver === undefined) return; // it has ended
  if (typeof receiver._maxPayload !== "number") {
    throw new SocketError("protocol", "cannot link: this version of ws cannot widen its sockets");
  }
  receiver._maxPayload = Math.max(receiver._maxPayload, frameBytes);
}
