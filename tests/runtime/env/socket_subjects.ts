/** The real kinds of sockets, ready for the suite. */

import { MessageChannel } from "node:worker_threads";
import { realSockets } from "../../../runtime/env/real/sockets.ts";
import { type FramePort, PortSocket } from "../../../runtime/env/real/workers_port.ts";
import type { Socket, SocketBounds, SocketPeer } from "../../../runtime/env/sockets.ts";
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

/** The two ends of a port as a Worker and its starter have them, on one thread. */
export function portSubject(): Promise<SocketSubject> {
  const channels: MessageChannel[] = [];
  const peer: SocketPeer = { address: "worker x", encrypted: false, own: true, certificate: null };
  return Promise.resolve({
    settle: (work) => work,
    pair: (bounds: SocketBounds) => {
      const channel = new MessageChannel();
      channels.push(channel);
      const [client, server] = [channel.port1, channel.port2].map((port) =>
        new PortSocket(port as unknown as FramePort, peer, bounds)
      );
      return Promise.resolve({ client: client!, server: server! });
    },
    close: () => {
      for (const { port1 } of channels) port1.close();
      return Promise.resolve();
    },
  });
}
