/**
 * A channel of one connection as the socket of another. `npm:ssh2` 1.17.0 has one nonce for the ChaCha20
 * of all its connections: what an inner one writes in the middle of a packet would be encrypted by the
 * outer one at once, with its own nonce, and the rest of the inner packet with that (measured: the server
 * hangs up). So it is written once the inner packet is complete.
 */

import { Duplex } from "node:stream";

/** A stream that both ends of a channel are. */
export type Stream = Duplex;

/** See the head of this file. */
export function apart(channel: Stream): Stream {
  const socket = new Duplex({
    read: () => void channel.resume(),
    write: (chunk, _encoding, done) =>
      void queueMicrotask(() => {
        if (channel.destroyed) return done();
        channel.write(chunk, () => done());
      }),
    final: (done) => void channel.end(done),
    destroy: (error, done) => {
      channel.destroy();
      done(error);
    },
  });
  channel.on("data", (bytes) => {
    if (!socket.push(bytes)) channel.pause();
  });
  channel.on("end", () => socket.push(null));
  channel.on("close", () => socket.destroy());
  channel.on("error", (error) => socket.destroy(error));
  return socket;
}
