import { diallingSuite, type SocketSubject, socketSuite } from "../env/socket_suite.ts";
import type { Socket } from "../../../runtime/env/sockets.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { Incarnation } from "../../../runtime/sim/incarnation.ts";
import { SimMachine } from "../../../runtime/sim/machine.ts";
import { simPort } from "../../../runtime/sim/workers.ts";
import { World } from "../../../runtime/sim/world.ts";

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

/** Two lives on one machine with a port between them. */
function twoThreads(): Promise<SocketSubject> {
  const world = new World(1);
  const machine = new SimMachine(world, "node", {});
  const [parent, worker] = ["parent", "worker"].map((name) =>
    new Incarnation(world, name, machine, () => {})
  );
  return Promise.resolve({
    pair: (bounds) => {
      const { ours, theirs } = simPort(world, parent!, worker!, "w", bounds);
      return Promise.resolve({ client: ours, server: theirs });
    },
    settle: (work) => world.complete(work),
    close: () => Promise.resolve(),
  });
}

socketSuite("simulated socket", twoMachines);
socketSuite("simulated port", twoThreads);
diallingSuite("simulated sockets", twoMachines);
