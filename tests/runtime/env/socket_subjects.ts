/** The real kinds of sockets, ready for the suite. */

import { realSockets } from "../../../runtime/env/real/sockets.ts";
import type { Socket, SocketBounds } from "../../../runtime/env/sockets.ts";
import { makeAuthority, nodeIdentity } from "../../servers/pki.ts";
import type { Dialling, SocketSubject } from "./socket_suite.ts";

/** WebSockets of this process to itself, as `dialling` says. */
function webSubject(dialling: Dialling): SocketSubject {
  const ends: Socket[] = [];
  const closers: (() => Promise<void>)[] = [];
  return {
    dialling,
    settle: (work) => work,
    async pair(bounds: SocketBounds) {
      const accepted = Promise.withResolvers<Socket>();
      const { sockets, listen, connect } = dialling;
      const listener = await sockets.listen({ ...listen, port: 0, bounds }, accepted.resolve);
      closers.push(() => listener.close());
      const { url } = listener;
      const signal = new AbortController().signal;
      const client = await sockets.connect({ ...connect, url, bounds, signal });
      const server = await accepted.promise;
      ends.push(client, server);
      return { client, server };
    },
    async close() {
      for (const end of ends) end.destroy();
      for (const close of closers) await close();
    },
  };
}

export function plainSubject(): Promise<SocketSubject> {
  const listen = { hostname: "127.0.0.1" };
  return Promise.resolve(webSubject({ sockets: realSockets, listen, connect: {} }));
}

export function tlsSubject(): Promise<SocketSubject> {
  const authority = makeAuthority("Test authority");
  const caCerts = [authority.cert];
  const listen = { hostname: "127.0.0.1", tls: { ...nodeIdentity(authority, "node-a"), caCerts } };
  const connect = { tls: { ...nodeIdentity(authority, "node-b"), caCerts } };
  return Promise.resolve(webSubject({ sockets: realSockets, listen, connect }));
}
