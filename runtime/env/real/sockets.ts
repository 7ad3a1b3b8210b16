/** WebSockets between nodes, on the `ws` package: it has receive backpressure and mutual TLS in Deno. */

import type { Sockets } from "../sockets.ts";
import { connectWeb } from "./sockets_connect.ts";
import { listenWeb } from "./sockets_listen.ts";

/** Connections of this process. */
export const realSockets: Sockets = { listen: listenWeb, connect: connectWeb };
