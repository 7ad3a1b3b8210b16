import assert from "node:assert/strict";
import type { SocketEnd } from "../../../runtime/env/sockets.ts";
import { encodeHandshake, encodePack, packRecord } from "../../../runtime/remote/frames.ts";
import { FrameError } from "../../../runtime/remote/frames_layout.ts";
import { Handover } from "../../../runtime/remote/handover.ts";
import { type RemoteLimits, remoteLimits } from "../../../runtime/remote/limits.ts";
import { Link } from "../../../runtime/remote/link.ts";
import { LINK_CLOSE, LinkError } from "../../../runtime/remote/link_errors.ts";
import type { Lane } from "../../../runtime/remote/wire.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { type MemorySocket, socketPair } from "./socket_pair.ts";

/** One end of a link and all that it was told. */
class End {
  readonly link: Link;
  readonly records: { lane: Lane; record: unknown; bytes: number }[] = [];
  readonly sent: Partial<Record<Lane, number>> = {};
  readonly ends: { end: SocketEnd; cause: Error | undefined }[] = [];
  drains = 0;
  onRecord: (record: unknown) => void = () => {};

  constructor(
    env: Pick<ReturnType<typeof simulatedEnv>, "timers">,
    readonly socket: MemorySocket,
    limits: RemoteLimits,
  ) {
    this.link = new Link(env, new Handover(socket), limits, {
      records: (lane, records, recordBytes) => {
        assert.equal(records.length, recordBytes.length);
        for (const [index, record] of records.entries()) {
          this.records.push({ lane, record, bytes: recordBytes[index]! });
          this.onRecord(record);
        }
      },
      sent: (lane, records) => this.sent[lane] = (this.sent[lane] ?? 0) + records,
      drained: () => this.drains += 1,
      closed: (end, cause) => this.ends.push({ end, cause }),
    });
    this.link.start();
  }

  /** A message of `bytes` and a little. */
  message(seq: number, bytes = 0, lane: Lane = "message"): number {
    const body = "m".repeat(bytes);
    const packed = packRecord({ v: 1, type: "a/b", to: "x", seq, producer: "p", body });
    this.link.push(lane, packed);
    return packed.bytes;
  }

  ping(n: number): void {
    this.link.push("control", packRecord({ c: "ping", n }));
  }

  seqs(): (number | undefined)[] {
    return this.records.map(({ record }) => (record as { seq?: number }).seq);
  }
}

function setup(overrides: Partial<RemoteLimits> = {}, turnBytes = 2 ** 20) {
  const limits = remoteLimits(overrides);
  const env = simulatedEnv({ seed: 1 });
  const { bulkFrameBytes: frameBytes, lowBytes } = limits;
  const { client, server } = socketPair(env, { frameBytes, lowBytes, turnBytes, own: false });
  const [near, far] = [new End(env, client, limits), new End(env, server, limits)];
  return { limits, env, world: env.world, near, far };
}

Deno.test("what is pushed in one turn shares frames and arrives in order, both ways", async () => {
  const { world, near, far } = setup();
  let bytes = 0;
  for (let seq = 0; seq < 500; seq += 1) {
    bytes += near.message(seq, 20);
    far.message(seq, 20);
  }
  assert.equal(near.link.queuedBytes("message"), bytes);
  assert.equal(near.socket.sent.length, 0, "nothing leaves before the turn has ended");
  await world.settle();
  for (const end of [near, far]) {
    assert.deepEqual(end.seqs(), Array.from({ length: 500 }, (_, seq) => seq));
    assert.deepEqual(end.sent, { message: 500 });
  }
  assert.ok(near.socket.sent.length <= 3, `${near.socket.sent.length} frames`);
  assert.equal(far.records.reduce((sum, record) => sum + record.bytes, 0), bytes);
  const { metrics } = near.link;
  assert.deepEqual(
    [metrics.recordsSent, metrics.recordsReceived, metrics.framesSent, metrics.stalls],
    [500, 500, near.socket.sent.length, 0],
  );
});

Deno.test("a record waits for the end of its turn and no longer", async () => {
  const { world, near, far } = setup();
  await world.settle();
  near.message(1);
  await world.step();
  assert.equal(near.socket.sent.length, 1);
  await world.step();
  assert.deepEqual(far.seqs(), [1]);
});

Deno.test("a socket gets no more than highBytes and a frame, and goes on when it has drained", async () => {
  const { limits, world, near, far } = setup({}, 1);
  far.link.pause();
  for (let seq = 0; seq < 100; seq += 1) near.message(seq, 100_000);
  await world.pass(1_000);
  const { bufferedBytes } = near.socket;
  assert.ok(bufferedBytes >= limits.highBytes, `${bufferedBytes}`);
  assert.ok(bufferedBytes <= limits.highBytes + limits.frameBytes, `${bufferedBytes}`);
  assert.equal(near.link.queuedMessages("message"), 100 - near.sent.message!);
  far.link.resume();
  await world.settle();
  assert.deepEqual(far.seqs(), Array.from({ length: 100 }, (_, seq) => seq));
  assert.equal(near.drains, 1);
  assert.ok(near.link.metrics.stalls > 1);
});

Deno.test("a ping overtakes everything that the socket does not have yet", async () => {
  const { limits, world, near, far } = setup({}, 1);
  for (let seq = 0; seq < 5; seq += 1) near.message(seq, 10_000_000);
  far.onRecord = () => {
    assert.equal((far.records[0]!.record as { c?: string }).c, "ping");
  };
  await world.pass(0.2);
  const { bytesReceived } = far.link.metrics;
  near.ping(1);
  while (far.records.length === 0) await world.step();
  const before = far.link.metrics.bytesReceived - bytesReceived;
  assert.ok(before <= limits.highBytes + 2 * limits.frameBytes, `${before} bytes went first`);
  far.onRecord = () => {};
  await world.settle();
  assert.deepEqual(far.seqs().slice(1), [0, 1, 2, 3, 4]);
});

Deno.test("a malformed frame closes the link with 4400 and what was wrong", async () => {
  for (
    const bytes of [
      new Uint8Array(0),
      new Uint8Array([9, 9]),
      new Uint8Array([2, 3, 0, 0, 0, 9, 91, 93]),
      new Uint8Array([3, 3, 0, 1]),
      encodeHandshake({ hello: 1 }),
    ]
  ) {
    const { world, near, far } = setup();
    near.message(1);
    await world.pass(1);
    near.socket.send(bytes);
    near.message(2);
    far.ping(1);
    await world.settle();
    assert.deepEqual(far.seqs(), [1], "nothing is delivered after it");
    assert.equal(far.ends.length, 1);
    const { end, cause } = far.ends[0]!;
    assert.equal(end.code, LINK_CLOSE.malformed);
    assert.ok(cause instanceof FrameError);
    assert.equal(near.ends[0]!.end.code, LINK_CLOSE.malformed);
    assert.ok(cause.message.startsWith(near.ends[0]!.end.reason), near.ends[0]!.end.reason);
    assert.equal(near.ends[0]!.cause, undefined);
  }
});

Deno.test("a peer that takes no control records is closed with 4413, in closeMs at most", async () => {
  const overrides = { controlMessages: 50, systemMessages: 10, asksPending: 10 };
  const { limits, world, near, far } = setup(overrides, 1);
  far.link.pause();
  near.message(0, 5_000_000);
  await world.pass(100);
  for (let n = 0; n < 50; n += 1) near.ping(n);
  await world.pass(100);
  assert.ok(near.link.isOpen);
  near.ping(50);
  assert.ok(!near.link.isOpen);
  near.ping(51);
  await world.pass(limits.closeMs + 1);
  const [{ end, cause }] = near.ends as [{ end: SocketEnd; cause: Error }];
  assert.equal(end.code, 1006, "the peer does not read, so it has not heard the goodbye");
  assert.ok(cause instanceof LinkError && cause.code === "ControlOverflow");
  assert.equal(far.ends.length, 1);
});

Deno.test("close sends the control records that wait, then code and reason, then nothing", async () => {
  const { world, near, far } = setup();
  near.message(1);
  near.link.push("control", packRecord({ c: "bye", reason: "stopped" }));
  far.message(2);
  near.link.close(4_000, "ä".repeat(100));
  near.link.close(4_001, "again");
  near.message(3);
  await world.settle();
  assert.deepEqual(far.records.map(({ lane }) => lane), ["control"]);
  assert.deepEqual(near.records, []);
  assert.deepEqual(far.ends.map(({ end }) => end), [{ code: 4_000, reason: "ä".repeat(61) }]);
  assert.deepEqual(near.ends.length, 1);
  assert.deepEqual(near.link.takeBack("message").length, 1, "it is certain that this never left");
});

Deno.test("a link that is closed in the middle of its records delivers no further frame", async () => {
  const { world, near, far } = setup();
  far.onRecord = () => far.link.close(4_000, "enough");
  for (let seq = 0; seq < 5; seq += 1) near.message(seq, 60_000);
  await world.settle();
  assert.deepEqual(far.seqs(), [0]);
  assert.deepEqual([near.ends[0]!.end.code, far.ends[0]!.end.code], [4_000, 4_000]);
});

Deno.test("destroy ends both sides without a goodbye", async () => {
  const { world, near, far } = setup();
  far.message(1);
  near.link.destroy();
  near.link.destroy();
  near.message(1);
  await world.settle();
  assert.deepEqual([near.ends[0]!.end.code, far.ends[0]!.end.code], [1006, 1006]);
  assert.deepEqual([near.ends.length, far.ends.length, near.records.length], [1, 1, 0]);
});

Deno.test("a paused link delivers nothing and holds up its sender; after resume all is there", async () => {
  const { world, near, far } = setup();
  far.onRecord = () => far.link.pause();
  for (let seq = 0; seq < 40; seq += 1) near.message(seq, 60_000);
  await world.settle();
  assert.deepEqual(far.seqs(), [0]);
  assert.ok(near.link.queuedMessages("message") > 20);
  far.onRecord = () => {};
  far.link.resume();
  await world.settle();
  assert.deepEqual(far.seqs(), Array.from({ length: 40 }, (_, seq) => seq));
});

Deno.test("frames that came between the handshake and start() are delivered by start()", async () => {
  const limits = remoteLimits();
  const env = simulatedEnv({ seed: 1 });
  const { client, server } = socketPair(env, { ...limits, own: false });
  const near = new End(env, client, limits);
  const handover = new Handover(server);
  handover.take({ frame: () => {}, drained: () => {}, closed: () => {} });
  handover.release();
  await env.world.settle();
  handover.frame(encodePack("message", [packRecord({ v: 1, type: "a/b", to: "x", body: 1 })]));
  const seen: unknown[] = [];
  const link: Link = new Link(env, handover, limits, {
    records: (_lane, records) => {
      seen.push(...records);
      link.close(4_000, "enough");
    },
    sent: () => {},
    drained: () => {},
    closed: () => {},
  });
  await env.world.settle();
  assert.deepEqual(seen, []);
  // Pausing takes effect at once with this socket; others may deliver what they have begun.
  handover.frame(encodePack("message", [packRecord({ v: 1, type: "a/b", to: "x", body: 2 })]));
  link.start();
  await env.world.settle();
  assert.equal(seen.length, 1, "the owner closed it at the first");
  assert.equal(near.ends[0]!.end.reason, "enough");
});
