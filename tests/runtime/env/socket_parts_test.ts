/** Frames in two parts over real WebSockets: not copied, never mixed up, whatever becomes of the buffer. */

import assert from "node:assert/strict";
import { realSockets } from "../../../runtime/env/real/sockets.ts";
import type { ListenTls, Socket, SocketListener } from "../../../runtime/env/sockets.ts";
import { makeAuthority, nodeIdentity } from "../../servers/pki.ts";
import { pattern, SocketRecorder } from "./socket_recorder.ts";

const MIB = 2 ** 20;
const BOUNDS = { frameBytes: 16 * MIB, lowBytes: 16_384 };
const HEAD = Uint8Array.of(2, 4, 0);
const authority = makeAuthority("Our authority");
const identity = nodeIdentity(authority, "node-a");

interface Ends {
  readonly listener: SocketListener;
  readonly near: Socket;
  readonly far: Socket;
}

async function pair(tls: ListenTls | null, bounds = BOUNDS): Promise<Ends> {
  const accepted = Promise.withResolvers<Socket>();
  const listener = await realSockets.listen(
    { hostname: "127.0.0.1", port: 0, bounds, ...(tls === null ? {} : { tls }) },
    accepted.resolve,
  );
  const near = await realSockets.connect({
    url: listener.url,
    bounds,
    signal: new AbortController().signal,
    ...(tls === null ? {} : { tls: { caCerts: [authority.cert] } }),
  });
  return { listener, near, far: await accepted.promise };
}

async function leave({ listener, near, far }: Ends, ...recorders: SocketRecorder[]): Promise<void> {
  near.destroy();
  far.destroy();
  for (const recorder of recorders) await recorder.ended();
  await listener.close();
}

function whole(rest: Uint8Array): Uint8Array {
  return Uint8Array.from([...HEAD, ...rest]);
}

/** What a receiver that wants parts has seen, each frame as [its first part, its rest or nothing]. */
function partsOf(socket: Socket) {
  const seen: [Uint8Array, Uint8Array | null][] = [];
  const all = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  const take = (bytes: Uint8Array, rest: Uint8Array | null): void => {
    seen.push([bytes, rest]);
    if (bytes[0] === 9) all.resolve();
  };
  socket.open({
    frame: (bytes) => take(bytes, null),
    parts: take,
    drained: () => {},
    closed: () => ended.resolve(),
  });
  return { seen, all: all.promise, ended: ended.promise };
}

for (const [name, tls] of [["plain", null], ["TLS", identity]] as const) {
  Deno.test(`${name}: a frame in two parts arrives as one, between others and in order`, async () => {
    const ends = await pair(tls);
    const [recorder, own] = [new SocketRecorder(ends.far), new SocketRecorder(ends.near)];
    const [first, second] = [pattern(200_000, 1), pattern(300_000, 2)];
    ends.near.send(Uint8Array.of(1));
    ends.near.sendParts!(HEAD, first);
    ends.near.send(Uint8Array.of(2));
    ends.near.sendParts!(HEAD, second);
    assert.ok(ends.near.bufferedBytes >= 500_000, "what waits is counted");
    await recorder.received(4);
    const [a, b, c, d] = recorder.frames;
    assert.deepEqual([a, c], [Uint8Array.of(1), Uint8Array.of(2)]);
    assert.deepEqual([b, d], [whole(first), whole(second)]);
    await own.drained();
    assert.equal(ends.near.bufferedBytes, 0);
    await leave(ends, recorder, own);
  });

  Deno.test(`${name}: an owner that takes parts gets them as they were sent`, async () => {
    const ends = await pair(tls);
    const own = new SocketRecorder(ends.near);
    const far = partsOf(ends.far);
    ends.near.sendParts!(HEAD, pattern(200_000, 1));
    ends.near.send(Uint8Array.of(9));
    await far.all;
    assert.deepEqual(far.seen, [[HEAD, pattern(200_000, 1)], [Uint8Array.of(9), null]]);
    await leave(ends, own);
    await far.ended;
  });

  Deno.test(`${name}: a part that is moved away once it is leaving arrives as it was`, async () => {
    const ends = await pair(tls);
    const own = new SocketRecorder(ends.near);
    const rest = pattern(12 * MIB, 1); // more than the system buffers
    ends.near.sendParts!(HEAD, rest);
    const moved = structuredClone(rest, { transfer: [rest.buffer as ArrayBuffer] });
    assert.equal(rest.length, 0);
    const recorder = new SocketRecorder(ends.far);
    await recorder.received(1);
    assert.deepEqual(recorder.frames[0]!.subarray(HEAD.length), moved);
    await leave(ends, recorder, own);
  });

  Deno.test(`${name}: a part that is moved away before it leaves costs the connection`, async () => {
    const ends = await pair(tls);
    const [recorder, own] = [new SocketRecorder(ends.far), new SocketRecorder(ends.near)];
    const [first, second] = [pattern(12 * MIB, 1), pattern(100_000, 2)];
    ends.near.sendParts!(HEAD, first);
    ends.near.sendParts!(HEAD, second);
    ends.near.send(pattern(100_000, 3));
    structuredClone(second, { transfer: [second.buffer as ArrayBuffer] });
    assert.equal((await own.ended()).code, 1006);
    await recorder.ended();
    assert.ok(recorder.frames.length <= 1, "nothing was taken for the rest of another frame");
    await leave(ends);
  });

  Deno.test(`${name}: what waits when a socket is closed arrives before the goodbye`, async () => {
    const ends = await pair(tls);
    const [recorder, own] = [new SocketRecorder(ends.far), new SocketRecorder(ends.near)];
    for (let seed = 1; seed <= 3; seed += 1) ends.near.sendParts!(HEAD, pattern(2 * MIB, seed));
    ends.near.close(4_000, "done");
    assert.equal((await recorder.ended()).code, 4_000);
    assert.deepEqual(recorder.frames.map((frame) => frame[3]), [17, 34, 51]);
    await leave(ends, own);
  });
}

Deno.test("a stranger's long frame ends the connection, a known one's may be longer", async () => {
  for (const isKnown of [false, true]) {
    const ends = await pair(null, { frameBytes: 65_536, lowBytes: 16_384 });
    const [recorder, own] = [new SocketRecorder(ends.far), new SocketRecorder(ends.near)];
    if (isKnown) ends.far.widen!(MIB);
    ends.near.send(pattern(MIB, 1));
    if (isKnown) await recorder.received(1);
    else assert.equal((await recorder.ended()).code, 1009);
    if (isKnown) ends.near.send(pattern(MIB + 1, 1));
    assert.equal((await recorder.ended()).code, 1009);
    await leave(ends, own);
  }
});
