import assert from "node:assert/strict";
import fc from "fast-check";
import { ActorError } from "../../../runtime/actor/errors.ts";
import { Assembly } from "../../../runtime/remote/fragments.ts";
import { decodeFrame, type Packed, packRecord } from "../../../runtime/remote/frames.ts";
import { type RemoteLimits, remoteLimits } from "../../../runtime/remote/limits.ts";
import { Outbox, type OutboxFrame } from "../../../runtime/remote/outbox.ts";
import { type Lane, LANES } from "../../../runtime/remote/wire.ts";

const LIMITS = remoteLimits();

/** A small table, so that packs and fragments begin early. */
const SMALL = remoteLimits({
  frameBytes: 256,
  bulkFrameBytes: 256,
  packBytes: 200,
  handshakeBytes: 200,
  consensusQuantumBytes: 512,
  messageQuantumBytes: 256,
  bulkQuantumBytes: 256,
});

function record(lane: Lane, number: number, bytes = 0): Packed {
  if (lane === "control") return packRecord({ c: "ping", n: number });
  if (lane === "reply") return packRecord({ re: number, body: "r".repeat(bytes) });
  return packRecord({ v: 1, type: "a/b", to: "x", seq: number, body: "m".repeat(bytes) });
}

function numberOf(read: unknown): number {
  const { n, re, seq } = read as { n?: number; re?: number; seq?: number };
  return (n ?? re ?? seq)!;
}

/** The other end: what has arrived of each lane, in order. */
class Reader {
  readonly arrived: Record<Lane, unknown[]> = {
    control: [],
    reply: [],
    consensus: [],
    message: [],
    bulk: [],
  };
  readonly bytes: Record<Lane, number> = {
    control: 0,
    reply: 0,
    consensus: 0,
    message: 0,
    bulk: 0,
  };
  readonly #assembly: Assembly;

  constructor(readonly limits: RemoteLimits) {
    this.#assembly = new Assembly(limits.messageBytes);
  }

  take({ bytes, lane, records }: OutboxFrame): void {
    assert.ok(bytes.length <= this.limits.frameBytes, `a frame of ${bytes.length} bytes`);
    let frame = decodeFrame(bytes, this.limits);
    if (frame.kind === "fragment") {
      const whole = this.#assembly.add(frame);
      if (whole === null) return assert.equal(records, 0);
      frame = decodeFrame(whole, this.limits);
    }
    assert.ok(frame.kind === "pack");
    assert.equal(frame.lane, lane);
    assert.equal(frame.records.length, records);
    this.arrived[lane].push(...frame.records);
    for (const length of frame.recordBytes) this.bytes[lane] += length;
  }

  numbers(lane: Lane): number[] {
    return this.arrived[lane].map(numberOf);
  }
}

Deno.test("small records of a lane share a frame, in order, up to packBytes", () => {
  const outbox = new Outbox(LIMITS);
  const reader = new Reader(LIMITS);
  let queued = 0;
  for (let number = 0; number < 1_000; number += 1) {
    const packed = record("message", number, 100);
    queued += packed.bytes;
    outbox.push("message", packed);
  }
  assert.equal(outbox.queuedBytes("message"), queued);
  assert.equal(outbox.queuedMessages("message"), 1_000);
  let frames = 0;
  for (let frame = outbox.next(); frame !== null; frame = outbox.next()) {
    assert.ok(frame.bytes.length <= LIMITS.packBytes);
    reader.take(frame);
    frames += 1;
  }
  assert.equal(frames, Math.ceil(queued / LIMITS.packBytes));
  assert.deepEqual(reader.numbers("message"), Array.from({ length: 1_000 }, (_, n) => n));
  assert.equal(reader.bytes.message, queued, "both ends count the same bytes for credit");
  assert.deepEqual([outbox.queuedBytes("message"), outbox.isEmpty], [0, true]);
});

Deno.test("a message of 100 MB delays a ping by one fragment at most", () => {
  const limits = remoteLimits({ messageBytes: 128 * 2 ** 20, inboundBytes: 2 ** 30 });
  const outbox = new Outbox(limits);
  const reader = new Reader(limits);
  const body = { file: new Uint8Array(100_000_000).fill(7) };
  outbox.push("message", packRecord({ v: 1, type: "a/b", to: "x", body }));
  for (let number = 0; !outbox.isEmpty; number += 1) {
    const fragment = outbox.next()!;
    assert.equal(fragment.lane, "message");
    reader.take(fragment);
    outbox.push("control", record("control", number));
    const ping = outbox.next()!;
    assert.equal(ping.lane, "control");
    reader.take(ping);
    outbox.push("reply", record("reply", number));
    assert.equal(outbox.next()!.lane, "reply");
  }
  const [read] = reader.arrived.message as [{ body: { file: Uint8Array } }];
  assert.equal(read.body.file.length, 100_000_000);
  assert.ok(reader.arrived.control.length > 700);
});

Deno.test("a long byte field of the bulk lane leaves in one frame and is not copied", () => {
  const outbox = new Outbox(LIMITS);
  const file = new Uint8Array(8 * 2 ** 20);
  outbox.push("bulk", packRecord({ v: 1, type: "a/b", to: "x", body: { file } }));
  const frame = outbox.next()!;
  assert.equal(frame.rest, file);
  assert.deepEqual([frame.records, outbox.queuedMessages("bulk"), outbox.isEmpty], [1, 0, true]);
  outbox.push("message", packRecord({ v: 1, type: "a/b", to: "x", body: file.slice(0, 100_000) }));
  assert.equal(outbox.next()!.rest, null, "of other lanes it is copied: it was not given away");
});

Deno.test("a long byte field that was moved away before it left costs its message", () => {
  const outbox = new Outbox(LIMITS);
  const file = new Uint8Array(100_000);
  const packed = packRecord({ v: 1, type: "a/b", to: "x", body: { file } });
  outbox.push("bulk", packed);
  structuredClone(file, { transfer: [file.buffer] });
  const { bytes, rest } = outbox.next()!;
  assert.equal(rest, null);
  const frame = decodeFrame(bytes, LIMITS);
  assert(frame.kind === "pack");
  assert.deepEqual(frame.recordBytes, [packed.bytes]);
});

Deno.test("control goes before reply, and both before everything else", () => {
  const outbox = new Outbox(LIMITS);
  for (const lane of [...LANES].reverse()) {
    for (let number = 0; number < 3; number += 1) outbox.push(lane, record(lane, number, 10));
  }
  const order: Lane[] = [];
  for (let frame = outbox.next(); frame !== null; frame = outbox.next()) order.push(frame.lane);
  assert.deepEqual(order.slice(0, 2), ["control", "reply"]);
  assert.deepEqual(order.slice(2).sort(), ["bulk", "consensus", "message"]);
});

Deno.test("consensus, message and bulk share the bytes as their quanta say, whatever their sizes", () => {
  const outbox = new Outbox(LIMITS);
  const sizes = { consensus: 300, message: 50_000, bulk: 1_000_000 } as const;
  const lanes = ["consensus", "message", "bulk"] as const;
  const sent = { consensus: 0, message: 0, bulk: 0 };
  for (let frames = 0; frames < 2_000; frames += 1) {
    for (const lane of lanes) {
      while (outbox.queuedBytes(lane) < 2_000_000) outbox.push(lane, record(lane, 0, sizes[lane]));
    }
    const frame = outbox.next()!;
    sent[frame.lane as keyof typeof sent] += frame.bytes.length;
  }
  assert.ok(Math.abs(sent.consensus / sent.message - 2) < 0.1, JSON.stringify(sent));
  assert.ok(Math.abs(sent.message / sent.bulk - 1) < 0.1, JSON.stringify(sent));
});

Deno.test("a lane that comes back from being idle has saved less than a quantum", () => {
  const outbox = new Outbox(LIMITS);
  for (let number = 0; number < 1_000; number += 1) {
    outbox.push("message", record("message", number, 10));
    outbox.next();
  }
  for (let number = 0; number < 2_000; number += 1) {
    outbox.push("message", record("message", number, 1_000));
    outbox.push("bulk", record("bulk", number, 1_000));
  }
  let before = 0;
  while (outbox.next()!.lane !== "bulk") before += 1;
  assert.ok(before <= 1 + LIMITS.messageQuantumBytes / LIMITS.packBytes, `${before} frames`);
});

Deno.test("a byte field that changes its length after push costs its message, not its neighbours", () => {
  const outbox = new Outbox(LIMITS);
  const reader = new Reader(LIMITS);
  const moved = new Uint8Array(1_000);
  const message = (seq: number, body: unknown): Packed =>
    packRecord({ v: 1, type: "a/b", to: "x", seq, body });
  const items = [
    message(0, new Uint8Array([1])),
    message(1, { moved }),
    message(2, new Uint8Array([2])),
  ];
  for (const item of items) outbox.push("message", item);
  moved.buffer.transfer();
  reader.take(outbox.next()!);
  const [first, second, third] = reader.arrived.message as { body: unknown; seq: number }[];
  assert.deepEqual([first!.body, third!.body], [new Uint8Array([1]), new Uint8Array([2])]);
  assert.ok(second!.body instanceof ActorError, "its receiver drops it, and knows whose it was");
  assert.equal(second!.seq, 1);
  assert.equal(reader.bytes.message, items.reduce((sum, item) => sum + item.bytes, 0));
});

Deno.test("what has not left is taken back, a record in fragments included, and can go again", () => {
  const outbox = new Outbox(SMALL);
  for (let number = 0; number < 5; number += 1) {
    outbox.push("message", record("message", number, 600));
  }
  while (outbox.queuedMessages("message") > 3) outbox.next();
  outbox.next(); // a first fragment of the third
  const back = outbox.takeBack("message");
  assert.equal(back.length, 3);
  assert.deepEqual([outbox.isEmpty, outbox.next(), outbox.queuedBytes("message")], [true, null, 0]);
  const reader = new Reader(SMALL);
  for (const packed of back) outbox.push("message", packed);
  for (let frame = outbox.next(); frame !== null; frame = outbox.next()) reader.take(frame);
  assert.deepEqual(reader.numbers("message"), [2, 3, 4]);
});

Deno.test("whatever is pushed and sent, each lane keeps its order, and nothing is lost or doubled", () => {
  const step = fc.oneof(
    fc.record({ lane: fc.constantFrom(...LANES), bytes: fc.integer({ min: 0, max: 900 }) }),
    fc.constant("next" as const),
  );
  fc.assert(fc.property(fc.array(step, { maxLength: 200, size: "max" }), (steps) => {
    const outbox = new Outbox(SMALL);
    const reader = new Reader(SMALL);
    const pushed: Record<Lane, number> = {
      control: 0,
      reply: 0,
      consensus: 0,
      message: 0,
      bulk: 0,
    };
    for (const one of steps) {
      if (one === "next") {
        const { isEmpty } = outbox;
        const frame = outbox.next();
        assert.equal(frame === null, isEmpty);
        if (frame !== null) reader.take(frame);
        continue;
      }
      outbox.push(one.lane, record(one.lane, pushed[one.lane], one.bytes));
      pushed[one.lane] += 1;
    }
    for (const lane of LANES) {
      const left = pushed[lane] - reader.arrived[lane].length;
      assert.equal(outbox.queuedMessages(lane), left);
    }
    for (let frame = outbox.next(); frame !== null; frame = outbox.next()) reader.take(frame);
    for (const lane of LANES) {
      assert.deepEqual(reader.numbers(lane), Array.from({ length: pushed[lane] }, (_, n) => n));
      assert.equal(outbox.queuedBytes(lane), 0);
    }
  }));
});
