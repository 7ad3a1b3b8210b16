import assert from "node:assert/strict";
import fc from "fast-check";
import { ActorError } from "../../../runtime/actor/errors.ts";
import {
  decodeFrame,
  decodeParts,
  encodeHandshake,
  encodePack,
  type Frame,
  packBody,
  packParts,
  packRecord,
  recordHead,
} from "../../../runtime/remote/frames.ts";
import { FrameError } from "../../../runtime/remote/frames_layout.ts";
import { parseMessageRecord, parseReplyRecord } from "../../../runtime/remote/records.ts";
import { LANES, type MessageRecord } from "../../../runtime/remote/wire.ts";
import { message } from "./carried_values.ts";

const LIMITS = { handshakeBytes: 1_000, messageBytes: 1_000_000 };

function messageOf(body: unknown): MessageRecord {
  return { v: 1, type: "test.counter/add", to: "counter", body };
}

type PackFrame = Extract<Frame, { kind: "pack" }>;

function readPack(bytes: Uint8Array, limits = LIMITS): PackFrame {
  const frame = decodeFrame(bytes, limits);
  assert(frame.kind === "pack");
  return frame;
}

/** A pack frame around any text, for what an honest sender never makes. */
function packOf(text: string | Uint8Array, attached: readonly number[] = [], lane = 3): Uint8Array {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  const frame = new Uint8Array(6 + bytes.length + attached.length);
  frame.set([2, lane]);
  new DataView(frame.buffer).setUint32(2, bytes.length);
  frame.set(bytes, 6);
  frame.set(attached, 6 + bytes.length);
  return frame;
}

function refusal(bytes: Uint8Array): string {
  try {
    decodeFrame(bytes, LIMITS);
  } catch (error) {
    assert(error instanceof FrameError, String(error));
    return error.code;
  }
  return "none";
}

Deno.test("a pack gives back its records and the size that their sender counted", () => {
  fc.assert(
    fc.property(fc.array(message, { minLength: 1, maxLength: 5 }), (records) => {
      const items = records.map(packRecord);
      const frame = readPack(encodePack("message", items));
      assert.equal(frame.lane, "message");
      assert.deepStrictEqual(frame.records.map(parseMessageRecord), records);
      assert.deepStrictEqual(frame.recordBytes, items.map((item) => item.bytes));
    }),
    { numRuns: 500 },
  );
});

const HEADS = [
  { v: 1, type: "a/b", to: "x" },
  { v: 1, type: "a/b", to: "x", from: "quorus://n/é" },
  { v: 2, type: "a/c", to: "y" },
];
const OWN = [null, { id: 7, budgetMs: 5 }, { trace: "00-aa" }];

Deno.test("records of one head say it once, and count as if each had said it", () => {
  const heads = HEADS.map(recordHead);
  const drawn = fc.tuple(fc.nat(HEADS.length - 1), fc.nat(OWN.length - 1), message);
  fc.assert(
    fc.property(fc.array(drawn, { minLength: 1, maxLength: 12 }), (plan) => {
      const items = plan.map(([head, own, { body }]) => packBody(heads[head]!, OWN[own]!, body));
      const records = plan.map(([head, own, { body }]) => ({ ...HEADS[head], ...OWN[own], body }));
      const bytes = encodePack("message", items);
      const frame = readPack(bytes);
      assert.deepStrictEqual(frame.records.map(parseMessageRecord), records);
      assert.deepStrictEqual(frame.recordBytes, items.map((item) => item.bytes));
      const saved = plan.reduce(
        (sum, [head], index) => sum + (plan[index - 1]?.[0] === head ? heads[head]!.bytes - 1 : 0),
        0,
      );
      const counted = items.reduce((sum, item) => sum + item.bytes, 0);
      assert.equal(bytes.length, 8 + 2 * (items.length - 1) + counted - saved);
    }),
    { numRuns: 500 },
  );
});

Deno.test("a record without a head costs itself where no record before it has one", () => {
  const lines = (...records: string[]) => readPack(packOf(`[${records.join(",\n")}]`));
  const isRefused = (raw: unknown): boolean => {
    try {
      parseMessageRecord(raw);
      return false;
    } catch (error) {
      assert(error instanceof ActorError && error.code === "BadMessage");
      return true;
    }
  };
  const whole = '{"v":1,"type":"a/b","to":"x","body":1}';
  const refused = (...records: string[]) => lines(...records).records.map(isRefused);
  assert.deepEqual(refused('{"body":1}', whole, '{"body":2}'), [true, false, false]);
  assert.deepEqual(refused(whole, "7", '{"body":2}'), [false, true, false]);
  assert.deepEqual(refused(whole, '{"to":"y","body":2}', '{"body":3}'), [false, true, true]);
  assert.deepEqual(refused(whole, '{"from":"y","body":2}'), [false, true]);
  assert.deepEqual(refused(whole, '{"seq":2,"body":2}', "{}"), [false, true, true]);
  assert.deepEqual(lines(whole, '{"__proto__":{"v":9},"body":2}').records.map(isRefused), [
    false,
    false,
  ]);
  assert.equal(refusal(packOf('[{"re":1,"body":1},\n{"body":2}]', [], 1)), "none");
});

Deno.test("a pack in two parts is read without a copy where its text ends with the first", () => {
  const record = messageOf({ offset: 1, bytes: new Uint8Array(1_000).fill(7) });
  const [head, rest] = packParts("bulk", packRecord(record)) as [Uint8Array, Uint8Array];
  const whole = encodePack("bulk", [packRecord(record)]);
  for (const cut of [head.length, 1, 7, head.length - 1, head.length + 1, whole.length - 1]) {
    const frame = decodeParts(whole.slice(0, cut), whole.slice(cut), LIMITS);
    assert(frame.kind === "pack");
    assert.deepStrictEqual(frame.records, [record]);
    assert.deepStrictEqual(frame.recordBytes, [whole.length - 8]);
  }
  const frame = decodeParts(head, rest, LIMITS) as PackFrame;
  const { bytes } = parseMessageRecord(frame.records[0]).body as { bytes: Uint8Array };
  assert.equal(bytes.buffer, rest.buffer);
  for (const wrong of [rest.slice(1), new Uint8Array(1_001)]) {
    assert.throws(() => decodeParts(head, wrong, LIMITS), { code: "BadAttachments" });
  }
  const short = { ...LIMITS, messageBytes: 900 };
  assert.throws(() => decodeParts(head, rest, short), { code: "TooLong" });
});

Deno.test("a pack says its lane", () => {
  for (const lane of LANES) {
    const record = { c: "ping", n: 1 } as const;
    assert.equal(readPack(encodePack(lane, [packRecord(record)])).lane, lane);
  }
});

Deno.test("a pack is as long as its records and what stands between them", () => {
  const items = [messageOf("é€😀"), messageOf(new Uint8Array(100)), messageOf(1)].map(packRecord);
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  assert.equal(encodePack("message", items).length, 6 + 2 + 2 * 2 + bytes);
});

Deno.test("byte fields travel as they are, behind the text and in its order", () => {
  const record = messageOf({ b: Uint8Array.of(1, 2), 7: Uint8Array.of(3), a: Uint8Array.of() });
  const packed = packRecord(record);
  assert.match(packed.text, /"body":\{"7":\{"\$":"bytes","v":1\},"b":\{"\$":"bytes","v":2\}/);
  const frame = encodePack("message", [packed]);
  assert.deepStrictEqual([...frame.subarray(-3)], [3, 1, 2]);
  assert.deepStrictEqual(readPack(frame).records, [record]);
});

Deno.test("a large byte field is a view of its frame, a small one does not keep the frame", () => {
  const large = encodePack("bulk", [packRecord(messageOf(new Uint8Array(10_000)))]);
  const small = encodePack(
    "bulk",
    [10_000, 5].map((n) => packRecord(messageOf(new Uint8Array(n)))),
  );
  const bodies = [...readPack(large).records, ...readPack(small).records]
    .map((raw) => parseMessageRecord(raw).body as Uint8Array);
  assert.deepStrictEqual(bodies.map((body) => body.length), [10_000, 10_000, 5]);
  assert.equal(bodies[0]!.buffer, large.buffer);
  assert.equal(bodies[2]!.buffer.byteLength, 5);
});

Deno.test("bytes that a Buffer holds are read as a plain Uint8Array", async () => {
  const { Buffer } = await import("node:buffer");
  const frame = encodePack("bulk", [packRecord(messageOf(new Uint8Array(50)))]);
  const inside = Buffer.concat([Buffer.from("xx"), frame]).subarray(2);
  assert.deepStrictEqual(readPack(inside).records, [messageOf(new Uint8Array(50))]);
});

Deno.test("what cannot be carried is refused with its path before it is queued", () => {
  for (
    const [value, reason] of [
      [{ a: [() => 1] }, /body\.a\[0\] is a function/],
      [{ when: { at: Symbol("x") } }, /body\.when\.at is a symbol/],
      [{ [Symbol("k")]: 1 }, /keyed by a symbol/],
      [Object.assign([1], { extra: 2 }), /extra properties/],
      [new Uint16Array(2), /instance of Uint16Array/],
      [Object.create({ inherited: 1 }), /an instance of/],
      [Object.create(Date.prototype), /cannot be read/],
      [{
        get broken() {
          throw new RangeError("no");
        },
      }, /no; send/],
    ] as const
  ) {
    assert.throws(() => packRecord(messageOf(value)), (error) => {
      assert(error instanceof ActorError);
      assert.equal(error.code, "NotEncodable");
      assert.match(error.message, reason);
      return true;
    });
  }
});

Deno.test("a byte field that was transferred after it was sent is refused, not sent shorter", () => {
  const bytes = new Uint8Array(10);
  const items = [packRecord(messageOf(bytes)), packRecord(messageOf(Uint8Array.of(1)))];
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  assert.throws(() => encodePack("message", items), { code: "NotEncodable" });
});

Deno.test("a body that cannot be decoded costs its record and not its neighbours' bytes", () => {
  const text = [
    '[{"v":1,"type":"a/b","to":"x","body":{"$":"bytes","v":1}}',
    '{"v":1,"type":"a/b","to":"y","id":7,"budgetMs":5,"body":[{"$":"date","v":"?"},{"$":"bytes","v":2}]}',
    '{"v":1,"type":"a/b","to":"z","body":{"$":"bytes","v":1}}]',
  ].join(",\n");
  const frame = readPack(packOf(text, [1, 2, 3, 4]));
  assert.deepStrictEqual(parseMessageRecord(frame.records[0]).body, Uint8Array.of(1));
  assert.deepStrictEqual(parseMessageRecord(frame.records[2]).body, Uint8Array.of(4));
  assert.throws(() => parseMessageRecord(frame.records[1]), (error) => {
    assert(error instanceof ActorError);
    assert.equal(error.code, "BadMessage");
    assert.match(error.message, /a date is malformed/);
    assert.deepStrictEqual(error.details, { to: "y", id: 7 });
    return true;
  });
});

Deno.test("a tag of the peer never becomes anything but the value it stands for", () => {
  for (
    const bad of [
      '{"$":"bytes","v":"AAAA"}',
      '{"$":"bigint","v":"12"}',
      '{"$":"bigint","v":"0x"}',
      '{"$":"map","v":[[1]]}',
      '{"$":"object","v":[[1,2]]}',
      '{"$":"number","v":"7"}',
      '{"$":"unheard of"}',
      '{"a":{"__proto__":{"admin":true}}}',
      '{"a":{"\\u005f_proto__":{"admin":true}}}',
      "[".repeat(300) + "]".repeat(300),
      '{"a":'.repeat(300) + "1" + "}".repeat(300),
    ]
  ) {
    const text = `[{"v":1,"type":"a/b","to":"x","body":${bad}}]`;
    const [raw] = readPack(packOf(text)).records;
    assert.throws(() => parseMessageRecord(raw), (error) => {
      assert(error instanceof ActorError, String(error));
      assert.equal(error.code, "BadMessage");
      return true;
    }, bad.slice(0, 40));
  }
});

Deno.test("an own key __proto__ arrives as a key", () => {
  const record = messageOf(JSON.parse('{"__proto__":{"admin":true}}'));
  const [raw] = readPack(encodePack("message", [packRecord(record)])).records;
  const { body } = parseMessageRecord(raw);
  assert.deepStrictEqual(Object.keys(body as object), ["__proto__"]);
  assert.equal(Object.getPrototypeOf(body), Object.prototype);
});

Deno.test("a reply carries any body, undefined too, or an error", () => {
  for (
    const reply of [
      { re: 1, body: undefined },
      { re: 2, body: { at: new Date(5) } },
      { re: 3, error: { code: "NoSuchActor", message: "none", retryable: true, definite: false } },
    ]
  ) {
    const [raw] = readPack(encodePack("reply", [packRecord(reply)])).records;
    assert.deepStrictEqual(parseReplyRecord(raw), reply);
  }
});

Deno.test("a malformed frame is refused by the code of what is wrong with it", () => {
  const record = '{"v":1,"type":"a/b","to":"x","body":1}';
  const cases: [Uint8Array, string][] = [
    [new Uint8Array(), "UnknownKind"],
    [Uint8Array.of(9, 1), "UnknownKind"],
    [Uint8Array.of(2, 3, 0, 0), "Truncated"],
    [Uint8Array.of(2, 3, 0, 0, 0, 9, 91, 93), "Truncated"],
    [packOf(`[${record}]`, [], 5), "UnknownLane"],
    [packOf("[]"), "BadText"],
    [packOf("{}"), "BadText"],
    [packOf(`[${record}`), "BadText"],
    [packOf(`[${record},${record}]`), "BadText"],
    [packOf(`[\n${record},\n${record}]`), "BadText"],
    [packOf(`[\n${record},${record}]`), "BadText"],
    [packOf(`[${record},\n${record}\n]`), "BadText"],
    [packOf(Uint8Array.of(91, 34, 0xff, 34, 93)), "BadText"],
    [packOf(Uint8Array.of(0xef, 0xbb, 0xbf, 91, 49, 93)), "BadText"],
    [packOf("[".repeat(500_000) + "]".repeat(400_000)), "BadText"],
    [packOf(`[${record}]`, [1]), "BadAttachments"],
    [packOf('[{"body":{"$":"bytes","v":-1}}]', [1]), "BadAttachments"],
    [packOf('[{"body":{"$":"bytes","v":1e300}}]', [1]), "BadAttachments"],
    [packOf('[{"other":{"$":"bytes","v":1}}]', [1]), "BadAttachments"],
    [packOf('[{"c":"ping","body":{"$":"bytes","v":1}}]', [1], 0), "BadAttachments"],
    [packOf(`["${"x".repeat(LIMITS.messageBytes)}"]`), "TooLong"],
    [Uint8Array.of(1, 123), "BadText"],
    [new Uint8Array(LIMITS.handshakeBytes + 2).fill(1, 0, 1), "TooLong"],
    [Uint8Array.of(3, 1), "Truncated"],
    [Uint8Array.of(3, 1, 0), "Truncated"],
    [Uint8Array.of(3, 1, 1, 0, 0, 0, 9), "Truncated"],
    [Uint8Array.of(3, 9, 0, 1), "UnknownLane"],
    [Uint8Array.of(3, 1, 4, 1), "BadFragment"],
    [Uint8Array.of(3, 1, 1, 255, 0, 0, 0, 1), "TooLong"],
  ];
  for (const [bytes, code] of cases) {
    assert.equal(refusal(bytes), code, new TextDecoder().decode(bytes.subarray(0, 60)));
  }
});

Deno.test("text that holds the replacement character is no broken text", () => {
  const record = messageOf("\ufffd");
  assert.deepStrictEqual(readPack(encodePack("message", [packRecord(record)])).records, [record]);
});

Deno.test("the longest record fits and one byte more does not", () => {
  const packed = packRecord(messageOf("x".repeat(1_000)));
  const frame = encodePack("message", [packed]);
  readPack(frame, { ...LIMITS, messageBytes: packed.bytes });
  assert.throws(() => readPack(frame, { ...LIMITS, messageBytes: packed.bytes - 1 }), {
    code: "TooLong",
  });
});

Deno.test("a handshake message gives back what it was", () => {
  const hello = { h: "hello", node: "ä", nonce: "00" };
  const frame = decodeFrame(encodeHandshake(hello), LIMITS);
  assert.deepStrictEqual(frame, { kind: "handshake", message: hello });
});
