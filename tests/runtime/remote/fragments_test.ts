import assert from "node:assert/strict";
import fc from "fast-check";
import { Assembly, type Fragment, fragments } from "../../../runtime/remote/fragments.ts";
import { decodeFrame, encodePack, packRecord } from "../../../runtime/remote/frames.ts";
import { FrameError } from "../../../runtime/remote/frames_layout.ts";
import type { Lane } from "../../../runtime/remote/wire.ts";

const LIMITS = { handshakeBytes: 100, messageBytes: 10_000 };

function pack(lane: Lane, length: number): Uint8Array {
  const body = Uint8Array.from({ length }, (_, index) => index);
  return encodePack(lane, [packRecord({ v: 1, type: "a/b", to: "x", body })]);
}

function cut(frame: Uint8Array, maxBytes: number): Fragment[] {
  return [...fragments(frame, maxBytes)].map((bytes) => {
    assert(bytes.length <= maxBytes);
    const read = decodeFrame(bytes, LIMITS);
    assert(read.kind === "fragment");
    return read;
  });
}

Deno.test("fragments of two lanes, in any turn, come together as the packs they were", () => {
  fc.assert(
    fc.property(
      fc.nat(5_000),
      fc.nat(5_000),
      fc.integer({ min: 8, max: 3_000 }),
      fc.infiniteStream(fc.boolean()),
      (left, right, maxBytes, turns) => {
        const packs = [pack("message", left), pack("bulk", right)];
        const queues = packs.map((frame) => cut(frame, maxBytes));
        const assembly = new Assembly(LIMITS.messageBytes);
        const whole: (Uint8Array | null)[] = [];
        while (queues.some((queue) => queue.length > 0)) {
          const queue = queues[turns.next().value ? 0 : 1]!;
          const fragment = queue.shift();
          if (fragment === undefined) continue;
          const done = assembly.add(fragment);
          assert.equal(done !== null, queue.length === 0);
          if (done !== null) whole[queue === queues[0] ? 0 : 1] = done;
        }
        assert.deepStrictEqual(whole, packs);
      },
    ),
  );
});

Deno.test("each fragment is made when it is asked for", () => {
  const frame = pack("bulk", 1_000);
  const parts = fragments(frame, 100);
  parts[Symbol.iterator]().next();
  frame.fill(9, 500);
  assert([...parts].some((part) => part.includes(9)));
});

Deno.test("fragments out of order or of another length than announced are refused", () => {
  const parts = cut(pack("bulk", 300), 100);
  const [first, second] = parts as [Fragment, Fragment];
  const end = parts.at(-1)!;
  const tooLong = { ...second, piece: new Uint8Array(1_000) };
  const other = cut(pack("message", 300), 100);
  const cases: Record<string, Fragment[]> = {
    "no first": [second],
    "two firsts": [first, first],
    "an early last": [first, end],
    "too much": [first, tooLong],
    "a missing last": [...parts.slice(0, -1), { ...end, last: false }],
    "a pack of another lane": other.map((part) => ({ ...part, lane: "bulk" })),
    "more than the limit": [{ ...first, totalBytes: LIMITS.messageBytes + 9 }],
  };
  for (const [name, sent] of Object.entries(cases)) {
    const assembly = new Assembly(LIMITS.messageBytes);
    assert.throws(() => sent.forEach((part) => assembly.add(part)), FrameError, name);
  }
});

Deno.test("a part whose buffer is moved away between two fragments is refused, not sent as zeros", () => {
  const head = new Uint8Array([2, 4, 0, 0, 0, 2, 0x5b, 0x5d]);
  const field = new Uint8Array(100);
  const pieces = fragments([head, field], 64);
  pieces.next();
  field.buffer.transfer();
  assert.throws(() => pieces.next(), { code: "NotEncodable" });
});
