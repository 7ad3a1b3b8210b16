/** What a socket does; WebSockets, ports of Workers and simulated streams all run it. */

import assert from "node:assert/strict";
import { SocketError } from "../../../runtime/env/errors.ts";
import type {
  ConnectOptions,
  ListenOptions,
  Socket,
  SocketBounds,
  SocketErrorCode,
  Sockets,
} from "../../../runtime/env/sockets.ts";
import { pattern, SocketRecorder } from "./socket_recorder.ts";

/** One kind of socket, ready to be tested. */
export interface SocketSubject {
  /** A fresh connection; neither end is open yet. */
  pair(bounds: SocketBounds): Promise<{ readonly client: Socket; readonly server: Socket }>;
  /** Waits for `work` on the time that the sockets live on; simulated: lets virtual time pass. */
  settle<T>(work: Promise<T>): Promise<T>;
  /** Frees everything, connections too. */
  close(): Promise<void>;
  /** How to listen and connect; absent where there is no such thing (ports of Workers). */
  readonly dialling?: Dialling;
}

/** What the tests of listening and connecting need. */
export interface Dialling {
  readonly sockets: Sockets;
  readonly listen: Pick<ListenOptions, "hostname" | "tls">;
  readonly connect: Pick<ConnectOptions, "tls">;
}

const KIB = 1024;
const MIB = 1024 * KIB;
const BOUNDS: SocketBounds = { frameBytes: MIB, lowBytes: 256 * KIB };
/** More than the kernel and any simulated stream keep under way. */
const FLOOD_FRAMES = 40;

type Open = () => Promise<SocketSubject>;
type Body = (subject: SocketSubject, settle: SocketSubject["settle"]) => Promise<void>;

function test(name: string, open: Open, body: Body): void {
  Deno.test(name, async () => {
    const subject = await open();
    try {
      await body(subject, (work) => subject.settle(work));
    } finally {
      await subject.close();
    }
  });
}

interface Ends {
  readonly client: Socket;
  readonly server: Socket;
  readonly atClient: SocketRecorder;
  readonly atServer: SocketRecorder;
}

async function openPair(subject: SocketSubject, bounds = BOUNDS): Promise<Ends> {
  const { client, server } = await subject.settle(subject.pair(bounds));
  return {
    client,
    server,
    atClient: new SocketRecorder(client),
    atServer: new SocketRecorder(server),
  };
}

/** Registers the suite for one kind of socket. */
export function socketSuite(name: string, open: Open): void {
  frames(name, open);
  backpressure(name, open);
  endings(name, open);
  closing(name, open);
}

/** Registers the suite of listening and connecting; the subject must have `dialling`. */
export function diallingSuite(name: string, open: Open): void {
  listening(name, open);
  connecting(name, open);
}

function frames(name: string, open: Open): void {
  test(
    `${name}: frames arrive in order and as they were sent, both ways`,
    open,
    async (subject, settle) => {
      const { client, server, atClient, atServer } = await openPair(subject);
      const sizes = Array.from({ length: 200 }, (_, index) => (index * 37) % 1_500 + (index % 3));
      for (const [index, size] of sizes.entries()) {
        client.send(pattern(size, index));
        server.send(pattern(size, index + 1));
      }
      await settle(atServer.received(sizes.length));
      await settle(atClient.received(sizes.length));
      assert.deepEqual(atServer.frames, sizes.map((size, index) => pattern(size, index)));
      assert.deepEqual(atClient.frames, sizes.map((size, index) => pattern(size, index + 1)));
    },
  );

  test(`${name}: an empty frame and the largest one arrive`, open, async (subject, settle) => {
    const { client, server, atClient, atServer } = await openPair(subject);
    for (const socket of [client, server]) {
      socket.send(new Uint8Array(0));
      socket.send(pattern(BOUNDS.frameBytes, 7));
    }
    for (const recorder of [atServer, atClient]) {
      await settle(recorder.received(2));
      assert.equal(recorder.frames[0]!.length, 0);
      assert.deepEqual(recorder.frames[1], pattern(BOUNDS.frameBytes, 7));
    }
  });

  test(
    `${name}: a received frame is its receiver's to write, and to move`,
    open,
    async (subject, settle) => {
      const { client, atServer } = await openPair(subject);
      for (let index = 0; index < 5; index += 1) client.send(pattern(300, index));
      await settle(atServer.received(5));
      atServer.frames[1]!.fill(0);
      atServer.frames[2]!.buffer.slice(0);
      assert.deepEqual(atServer.frames[0], pattern(300, 0));
      assert.deepEqual(atServer.frames[2], pattern(300, 2));
    },
  );

  test(
    `${name}: a view of a larger buffer arrives as that view alone`,
    open,
    async (subject, settle) => {
      const { client, atServer } = await openPair(subject);
      const whole = pattern(1_000, 3);
      client.send(whole.slice().subarray(10, 20));
      await settle(atServer.received(1));
      assert.deepEqual(atServer.frames[0], whole.slice(10, 20));
    },
  );

  test(`${name}: frames sent before open() are kept`, open, async (subject, settle) => {
    const { client, server } = await settle(subject.pair(BOUNDS));
    const sent = [pattern(10, 1), pattern(0, 2), pattern(70_000, 3)];
    for (const frame of sent) client.send(frame.slice());
    server.send(pattern(5, 9));
    await settle(new SocketRecorder(client).received(1));
    const atServer = new SocketRecorder(server);
    await settle(atServer.received(3));
    assert.deepEqual(atServer.frames, sent);
  });
}

/** Floods the paused end from the other one, then resumes it. */
async function flood(
  settle: SocketSubject["settle"],
  from: { readonly socket: Socket; readonly recorder: SocketRecorder },
  to: { readonly socket: Socket; readonly recorder: SocketRecorder },
): Promise<void> {
  to.socket.pause();
  for (let index = 0; index < FLOOD_FRAMES; index += 1) from.socket.send(pattern(MIB, index));
  assert.ok(from.socket.bufferedBytes > BOUNDS.lowBytes);
  for (let round = 1; round <= 200; round += 1) { // the other way is not held up
    to.socket.send(pattern(10, round));
    await settle(from.recorder.received(round));
  }
  assert.ok(from.socket.bufferedBytes > 10 * BOUNDS.lowBytes, `${from.socket.bufferedBytes} B`);
  assert.equal(to.recorder.frames.length, 0);
  assert.equal(from.recorder.drains, 0);
  to.socket.resume();
  await settle(from.recorder.drained());
  assert.ok(from.socket.bufferedBytes <= BOUNDS.lowBytes);
  await settle(to.recorder.received(FLOOD_FRAMES));
  assert.deepEqual(to.recorder.frames[FLOOD_FRAMES - 1], pattern(MIB, FLOOD_FRAMES - 1));
}

function backpressure(name: string, open: Open): void {
  for (const paused of ["server", "client"] as const) {
    test(
      `${name}: while the ${paused} pauses the other's bufferedBytes grow, and resume drains them`,
      open,
      async (subject, settle) => {
        const { client, server, atClient, atServer } = await openPair(subject);
        const [one, two] = [
          { socket: client, recorder: atClient },
          { socket: server, recorder: atServer },
        ];
        await (paused === "server" ? flood(settle, one, two) : flood(settle, two, one));
      },
    );
  }

  test(
    `${name}: no frame comes between pause() and resume(), in the middle of a burst too`,
    open,
    async (subject, settle) => {
      const { client, server, atClient, atServer } = await openPair(subject);
      atServer.onFrame = (count) => {
        if (count === 3) server.pause();
      };
      for (let index = 0; index < 10; index += 1) client.send(pattern(20, index));
      await settle(atServer.received(3));
      server.send(pattern(1, 1));
      await settle(atClient.received(1));
      assert.equal(atServer.frames.length, 3);
      server.resume();
      await settle(atServer.received(10));
      assert.deepEqual(
        atServer.frames,
        Array.from({ length: 10 }, (_, index) => pattern(20, index)),
      );
    },
  );

  test(
    `${name}: small sends that never pass the low mark bring no drained`,
    open,
    async (subject, settle) => {
      const { client, server, atClient, atServer } = await openPair(subject);
      for (let index = 0; index < 20; index += 1) client.send(pattern(100, index));
      await settle(atServer.received(20));
      server.send(pattern(1, 1));
      await settle(atClient.received(1));
      assert.equal(atClient.drains, 0);
    },
  );
}

function endings(name: string, open: Open): void {
  test(
    `${name}: a frame that is too large ends the connection with 1009 on both sides`,
    open,
    async (subject, settle) => {
      const { client, atClient, atServer } = await openPair(subject);
      client.send(pattern(10, 1));
      client.send(pattern(BOUNDS.frameBytes + 1, 2));
      assert.equal((await settle(atServer.ended())).code, 1009);
      assert.equal((await settle(atClient.ended())).code, 1009);
      assert.deepEqual(atServer.frames, [pattern(10, 1)]);
    },
  );

  test(
    `${name}: the other side gets the code and the reason of a close`,
    open,
    async (subject, settle) => {
      for (const closer of ["client", "server"] as const) {
        const ends = await openPair(subject);
        ends[closer].close(4_001, "enough: größer");
        assert.deepEqual(await settle(ends.atClient.ended()), {
          code: 4_001,
          reason: "enough: größer",
        });
        assert.deepEqual(await settle(ends.atServer.ended()), {
          code: 4_001,
          reason: "enough: größer",
        });
      }
    },
  );

  test(`${name}: destroy ends both sides with 1006`, open, async (subject, settle) => {
    for (const destroyer of ["client", "server"] as const) {
      const ends = await openPair(subject);
      ends[destroyer].destroy();
      ends[destroyer].destroy();
      assert.equal((await settle(ends.atClient.ended())).code, 1006);
      assert.equal((await settle(ends.atServer.ended())).code, 1006);
    }
  });

  test(
    `${name}: a socket that ended before open() says so after it`,
    open,
    async (subject, settle) => {
      const { client, server } = await settle(subject.pair(BOUNDS));
      const atClient = new SocketRecorder(client);
      client.send(pattern(3, 3));
      client.destroy();
      await settle(atClient.ended());
      assert.equal((await settle(new SocketRecorder(server).ended())).code, 1006);
    },
  );
}

function closing(name: string, open: Open): void {
  test(
    `${name}: close delivers what was sent before it, even to a receiver that was paused`,
    open,
    async (subject, settle) => {
      const { client, server, atClient, atServer } = await openPair(subject);
      server.pause();
      for (let index = 0; index < 50; index += 1) client.send(pattern(64 * KIB, index));
      client.close(4_000, "done");
      server.resume();
      assert.deepEqual(await settle(atServer.ended()), { code: 4_000, reason: "done" });
      assert.equal(atServer.frames.length, 50);
      assert.deepEqual(atServer.frames[49], pattern(64 * KIB, 49));
      assert.equal((await settle(atClient.ended())).code, 4_000);
    },
  );

  test(
    `${name}: after its own close a socket delivers nothing but its end, once`,
    open,
    async (subject, settle) => {
      const { client, server, atClient, atServer } = await openPair(subject);
      client.pause();
      for (let index = 0; index < 5; index += 1) server.send(pattern(10, index));
      client.close(4_002, "first");
      client.close(4_003, "second");
      client.resume();
      client.send(pattern(10, 1));
      assert.equal((await settle(atServer.ended())).code, 4_002);
      assert.equal((await settle(atClient.ended())).code, 4_002);
      client.close(4_004, "third");
      client.destroy();
      server.send(pattern(10, 1));
      server.resume();
      assert.equal(client.bufferedBytes, 0);
      assert.equal(server.bufferedBytes, 0);
      assert.deepEqual([atClient.frames.length, atServer.frames.length], [0, 0]);
      assert.deepEqual([atClient.ends.length, atServer.ends.length], [1, 1]);
    },
  );
}

const forever = () => new AbortController().signal;

function failsWith(code: SocketErrorCode): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof SocketError, String(error));
    assert.equal(error.code, code, error.message);
    return true;
  };
}

/** What a subject without `dialling` must not be asked. */
function diallingOf(subject: SocketSubject): Dialling {
  assert.ok(subject.dialling !== undefined);
  return subject.dialling;
}

function listening(name: string, open: Open): void {
  test(
    `${name}: a listener tells its address, and knows its peers'`,
    open,
    async (subject, settle) => {
      const { sockets, listen, connect } = diallingOf(subject);
      const accepted = Promise.withResolvers<Socket>();
      const options = { ...listen, port: 0, bounds: BOUNDS };
      const listener = await settle(sockets.listen(options, accepted.resolve));
      const { url } = listener;
      assert.match(url, listen.tls === undefined ? /^ws:\/\/[^:]+:\d+$/ : /^wss:\/\/[^:]+:\d+$/);
      const client = await settle(
        sockets.connect({ ...connect, url, bounds: BOUNDS, signal: forever() }),
      );
      const server = await settle(accepted.promise);
      assert.equal(`${new URL(url).protocol}//${client.peer.address}`, url);
      assert.match(server.peer.address, /^.+:\d+$/);
      const encrypted = listen.tls !== undefined;
      assert.deepEqual([client.peer.encrypted, server.peer.encrypted], [encrypted, encrypted]);
      assert.deepEqual([client.peer.own, server.peer.own], [false, false]);
      const [atClient, atServer] = [new SocketRecorder(client), new SocketRecorder(server)];
      await settle(listener.close()); // and the connection goes on
      client.send(pattern(5, 5));
      await settle(atServer.received(1));
      const late = sockets.connect({ ...connect, url, bounds: BOUNDS, signal: forever() });
      await assert.rejects(settle(late), failsWith("refused"));
      server.close(4_000, "");
      await settle(atClient.ended());
      await settle(atServer.ended());
    },
  );

  test(`${name}: a port that is taken is inUse`, open, async (subject, settle) => {
    const { sockets, listen } = diallingOf(subject);
    const options = { ...listen, port: 0, bounds: BOUNDS };
    const listener = await settle(sockets.listen(options, () => {}));
    const port = Number(new URL(listener.url).port);
    const second = sockets.listen({ ...options, port }, () => {});
    await assert.rejects(settle(second), failsWith("inUse"));
    await settle(listener.close());
    const third = await settle(sockets.listen({ ...options, port }, () => {}));
    await settle(third.close());
  });
}

function connecting(name: string, open: Open): void {
  test(`${name}: connecting where nobody listens is refused`, open, async (subject, settle) => {
    const { sockets, listen, connect } = diallingOf(subject);
    const options = { ...listen, port: 0, bounds: BOUNDS };
    const listener = await settle(sockets.listen(options, () => {}));
    await settle(listener.close());
    const { url } = listener;
    const connection = sockets.connect({ ...connect, url, bounds: BOUNDS, signal: forever() });
    await assert.rejects(settle(connection), (error) => {
      assert.match(String(error), new RegExp(new URL(url).host));
      return failsWith("refused")(error);
    });
  });

  test(
    `${name}: an aborted connect rejects, and nothing stays connected`,
    open,
    async (subject, settle) => {
      const { sockets, listen, connect } = diallingOf(subject);
      const accepted: SocketRecorder[] = [];
      const listener = await settle(
        sockets.listen({ ...listen, port: 0, bounds: BOUNDS }, (socket) => {
          accepted.push(new SocketRecorder(socket));
        }),
      );
      const { url } = listener;
      const before = AbortSignal.abort(new Error("before"));
      const never = sockets.connect({ ...connect, url, bounds: BOUNDS, signal: before });
      await assert.rejects(settle(never), failsWith("aborted"));
      const during = new AbortController();
      const cut = sockets.connect({ ...connect, url, bounds: BOUNDS, signal: during.signal });
      during.abort(new Error("during"));
      await assert.rejects(settle(cut), failsWith("aborted"));
      const after = new AbortController();
      const client = await settle(
        sockets.connect({ ...connect, url, bounds: BOUNDS, signal: after.signal }),
      );
      after.abort(new Error("too late to matter"));
      const atClient = new SocketRecorder(client);
      client.close(4_000, "stands until it is closed");
      assert.equal((await settle(atClient.ended())).code, 4_000);
      for (const each of accepted) await settle(each.ended());
      await settle(listener.close());
    },
  );
}
