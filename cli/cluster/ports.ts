/** Free ports of this machine. */

import type { Env } from "../../runtime/env/env.ts";
import type { SocketListener } from "../../runtime/env/sockets.ts";

const HOST = "127.0.0.1";
/** Nobody connects here. */
const BOUNDS = { frameBytes: 1_024, lowBytes: 0 };

/** As many different free ports on loopback; they are free again when this resolves. */
export async function freePorts(env: Pick<Env, "sockets">, count: number): Promise<number[]> {
  const listeners: SocketListener[] = [];
  try {
    for (let index = 0; index < count; index += 1) {
      const options = { hostname: HOST, port: 0, bounds: BOUNDS };
      listeners.push(await env.sockets.listen(options, (socket) => socket.destroy()));
    }
    return listeners.map(({ url }) => Number(new URL(url).port));
  } finally {
    await Promise.all(listeners.map((listener) => listener.close()));
  }
}
