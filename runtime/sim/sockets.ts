/** Connections of simulated processes. */

import { SocketError } from "../env/errors.ts";
import type { Sockets, Workers } from "../env/sockets.ts";
import type { Incarnation } from "./incarnation.ts";

/** The connections of one life. */
export function simSockets(incarnation: Incarnation): Sockets {
  const denied = (): Promise<never> =>
    Promise.reject(new SocketError("denied", `${incarnation.name}: not built yet`));
  return { listen: denied, connect: denied };
}

/** The Workers of one life. */
export function simWorkers(incarnation: Incarnation): Workers {
  return {
    start: () => {
      throw new SocketError("denied", `${incarnation.name}: not built yet`);
    },
    parent: null,
  };
}
