/** The `ws` package, loaded when the first link is made. */

// @ts-types="npm:@types/ws@8.18.2"
import type { WebSocket, WebSocketServer } from "ws";
import { socketError } from "./sockets_errors.ts";

/** What of the package is used. */
export interface WebSocketPackage {
  readonly WebSocket: typeof WebSocket;
  readonly WebSocketServer: typeof WebSocketServer;
}

/**
 * Loads it; `action` names in a refusal what it was for. It reads two environment variables when it is
 * loaded, so a role that never links needs neither that permission nor the 20 ms.
 */
export async function loadWebSockets(action: string): Promise<WebSocketPackage> {
  try {
    return await import("ws") as unknown as WebSocketPackage;
  } catch (thrown) {
    throw socketError(action, thrown);
  }
}
