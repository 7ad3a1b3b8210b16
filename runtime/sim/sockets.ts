/** Connections of simulated processes. */

import { SocketError } from "../env/errors.ts";
import type { ListenOptions, Socket, SocketListener, Sockets } from "../env/sockets.ts";
import { dial, type Dialler } from "./dial.ts";
import type { DelayMs } from "./incarnation.ts";

const QUICK_MS: DelayMs = { low: 0.01, high: 0.1 };

/** The connections of one life. */
export function simSockets(dialler: Dialler): Sockets {
  return {
    listen: (options, accept) => {
      const label = `listen ${options.hostname}:${options.port}`;
      return dialler.incarnation.call(label, QUICK_MS, () => listen(dialler, options, accept));
    },
    connect: (options) => dial(dialler, options),
  };
}

function listen(
  dialler: Dialler,
  options: ListenOptions,
  accept: (socket: Socket) => void,
): SocketListener {
  const { network, incarnation, machine, wallMs } = dialler;
  const { hostname, tls } = options;
  const port = options.port === 0 ? network.freePort(machine) : options.port;
  const where = `${hostname}:${port}`;
  const isOurs = hostname === "0.0.0.0" || network.resolve(machine, hostname) === machine;
  if (!isOurs) throw failure(where, "denied", `it is not an address of ${machine}`);
  if (tls !== undefined && !network.certificates.isKnown(tls.cert)) {
    throw failure(where, "tls", "its certificate is not one; issue it in the world");
  }
  const listener = { incarnation, machine, port, options, accept, wallMs };
  const release = network.bind(listener);
  if (release === null) throw failure(where, "inUse", "somebody listens there");
  incarnation.onEnd(release);
  return {
    url: `${tls === undefined ? "ws" : "wss"}://${where}`,
    secure: (next) => {
      if (listener.options.tls === undefined) throw failure(where, "tls", "it is a plain listener");
      if (!network.certificates.isKnown(next.cert)) {
        throw failure(where, "tls", "its certificate is not one; issue it in the world");
      }
      listener.options = { ...listener.options, tls: next };
    },
    close: () => incarnation.call(`close listener ${where}`, QUICK_MS, release),
  };
}

function failure(where: string, code: "denied" | "tls" | "inUse", reason: string): SocketError {
  return new SocketError(code, `cannot listen on ${where}: ${reason} (simulated)`);
}
