/** Two simulated machines with a connection between them, for tests of what goes wrong. */

import type { Socket, SocketBounds } from "../../../runtime/env/sockets.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import type { Direction } from "../../../runtime/sim/network.ts";
import { World, type WorldOptions } from "../../../runtime/sim/world.ts";
import { SocketRecorder } from "../env/socket_recorder.ts";

export const BOUNDS: SocketBounds = { frameBytes: 2 ** 20, lowBytes: 2 ** 16 };
export const THERE: Direction = ["client", "server"];
export const BACK: Direction = ["server", "client"];
export const NEVER = new AbortController().signal;

export interface TwoMachines {
  readonly world: World;
  readonly client: SimulatedEnv;
  readonly server: SimulatedEnv;
  readonly atClient: SocketRecorder;
  readonly atServer: SocketRecorder;
  readonly fromClient: Socket;
  readonly fromServer: Socket;
  readonly url: string;
}

/** A client's machine that is connected with a server's; both ends are open. */
export async function twoMachines(seed = 1, options: WorldOptions = {}): Promise<TwoMachines> {
  const world = new World(seed, options);
  const client = simulatedEnv({ seed, world, name: "client" });
  const server = simulatedEnv({ seed, world, name: "server" });
  const accepted = Promise.withResolvers<Socket>();
  const listening = server.sockets.listen(
    { hostname: "server", port: 7_000, bounds: BOUNDS },
    accepted.resolve,
  );
  const { url } = await world.complete(listening);
  const fromClient = await world.complete(
    client.sockets.connect({ url, bounds: BOUNDS, signal: NEVER }),
  );
  const fromServer = await world.complete(accepted.promise);
  return {
    world,
    client,
    server,
    url,
    fromClient,
    fromServer,
    atClient: new SocketRecorder(fromClient),
    atServer: new SocketRecorder(fromServer),
  };
}

/** One byte that tells which frame it is. */
export function frame(number: number): Uint8Array {
  return Uint8Array.of(number);
}

/** The numbers of the frames that came. */
export function numbers(recorder: SocketRecorder): number[] {
  return recorder.frames.map((bytes) => bytes[0]!);
}
