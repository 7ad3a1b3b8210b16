/** WebSockets between nodes. */

import { SocketError } from "../errors.ts";
import type { Sockets } from "../sockets.ts";

/** Connections of this process. */
export const realSockets: Sockets = {
  listen: () => Promise.reject(new SocketError("denied", "listen: not built yet")),
  connect: () => Promise.reject(new SocketError("denied", "connect: not built yet")),
};
