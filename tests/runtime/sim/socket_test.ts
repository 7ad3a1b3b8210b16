import { diallingSuite, type SocketSubject, socketSuite } from "../env/socket_suite.ts";
import type { Socket } from "../../../runtime/env/sockets.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

/** Two simulated machines, the second of which listens. */
function twoMachines(): Promise<SocketSubject> {
  const client = simulatedEnv({ seed: 1, name: "client" });
  const { world } = client;
  const server = simulatedEnv({ seed: 1, world, name: "server" });
  return Promise.resolve({
    pair: async (bounds) => {
      const accepted = Promise.withResolvers<Socket>();
      const options = { hostname: "server", port: 0, bounds };
      const { url } = await server.sockets.listen(options, accepted.resolve);
      const { signal } = new AbortController();
      const socket = await client.sockets.connect({ url, bounds, signal });
      return { client: socket, server: await accepted.promise };
    },
    settle: (work) => world.complete(work),
    close: () => Promise.resolve(),
    dialling: { sockets: server.sockets, listen: { hostname: "127.0.0.1" }, connect: {} },
  });
}

socketSuite("simulated socket", twoMachines);
diallingSuite("simulated sockets", twoMachines);
