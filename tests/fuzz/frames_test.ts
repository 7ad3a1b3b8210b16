/** Random and mutated bytes at the frame parsers: a typed refusal or a frame, in bounded memory and time. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { ActorError } from "../../runtime/actor/errors.ts";
import { Assembly } from "../../runtime/remote/fragments.ts";
import { decodeFrame, encodePack, packRecord } from "../../runtime/remote/frames.ts";
import { FrameError } from "../../runtime/remote/frames_layout.ts";
import {
  parseControlRecord,
  parseMessageRecord,
  parseReplyRecord,
} from "../../runtime/remote/records.ts";
import { LANES } from "../../runtime/remote/wire.ts";
import { message } from "../runtime/remote/carried_values.ts";

const LIMITS = { handshakeBytes: 256, messageBytes: 4_096 };

/** Everything a link does with bytes of a peer; `false` if it would close the socket. */
function receive(bytes: Uint8Array, assembly: Assembly): boolean {
  try {
    const frame = decodeFrame(bytes, LIMITS);
    if (frame.kind === "handshake") return true;
    if (frame.kind === "fragment") {
      const whole = assembly.add(frame);
      assert(whole === null || whole.length <= LIMITS.messageBytes + 8);
      return whole === null || receive(whole, assembly);
    }
    assert.equal(frame.records.length, frame.recordBytes.length);
    let total = 0;
    for (const size of frame.recordBytes) {
      assert(Number.isSafeInteger(size) && size > 0);
      total += size;
    }
    const longest = bytes.length * frame.records.length; // a head may count for each that shares it
    assert(total <= longest, "no more is credited than was sent");
    for (const raw of frame.records) parseAll(raw);
    return true;
  } catch (error) {
    assert(error instanceof FrameError, String(error));
    return false;
  }
}

function parseAll(raw: unknown): void {
  for (const parse of [parseMessageRecord, parseReplyRecord, parseControlRecord]) {
    try {
      parse(raw);
    } catch (error) {
      assert(error instanceof ActorError && error.code === "BadMessage", String(error));
    }
  }
}

const header = fc.tuple(
  fc.constantFrom(1, 2, 3),
  fc.nat(LANES.length),
  fc.constantFrom(0, 1, 2, 3),
  fc.constantFrom(0, 255),
).map((parts) => Uint8Array.from(parts));

const tokens = fc.array(
  fc.constantFrom(
    ...'[ ] { } , : "$" "v" "bytes" "map" "object" "date" "bigint" "0x1" "__proto__" "body" 0 -1 1e9'
      .split(" "),
    ",\n",
    '{"v":1,"type":"a/b","to":"x","body":',
    '{"body":',
    '{"$":"bytes","v":2}',
    "\\u005f",
    "\ufffd",
    '"\ud800"',
  ),
  { maxLength: 40 },
).map((parts) => new TextEncoder().encode(parts.join("")));

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    whole.set(part, offset);
    offset += part.length;
  }
  return whole;
}

Deno.test("random bytes are a frame or a typed refusal", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(header, fc.uint8Array({ maxLength: 200 }))), (frames) => {
      const assembly = new Assembly(LIMITS.messageBytes);
      for (const [start, rest] of frames) {
        if (!receive(join(start, rest), assembly)) return;
      }
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("texts made of the pieces of records are a frame or a typed refusal", () => {
  fc.assert(
    fc.property(fc.nat(5), tokens, fc.uint8Array({ maxLength: 6 }), (lane, text, attached) => {
      const start = Uint8Array.of(2, lane, 0, 0, text.length >> 8, text.length & 255);
      receive(join(start, text, attached), new Assembly(LIMITS.messageBytes));
    }),
    { numRuns: 5_000 },
  );
});

Deno.test("a pack with bytes changed, lost or added is a frame or a typed refusal", () => {
  const change = fc.record({ at: fc.nat(), cut: fc.nat(4), put: fc.uint8Array({ maxLength: 4 }) });
  fc.assert(
    fc.property(
      fc.array(message, { minLength: 1, maxLength: 3 }),
      fc.array(change, { minLength: 1, maxLength: 4 }),
      (records, changes) => {
        let bytes = encodePack("message", records.map(packRecord));
        for (const { at, cut, put } of changes) {
          const from = at % (bytes.length + 1);
          bytes = join(bytes.subarray(0, from), put, bytes.subarray(from + cut));
        }
        receive(bytes, new Assembly(LIMITS.messageBytes));
      },
    ),
    { numRuns: 3_000 },
  );
});

Deno.test("an announced length allocates nothing beyond the limit", () => {
  const assembly = new Assembly(LIMITS.messageBytes);
  for (let lane = 0; lane < LANES.length; lane += 1) {
    assert.equal(receive(Uint8Array.of(3, lane, 1, 255, 255, 255, 255, 1), assembly), false);
    assert.equal(receive(Uint8Array.of(2, lane, 255, 255, 255, 255, 91, 93), assembly), false);
  }
});

Deno.test("nesting, long numbers and long lists take no more than linear time", () => {
  const limits = { handshakeBytes: 256, messageBytes: 8_000_000 };
  const wrap = (body: string): Uint8Array => {
    const text = new TextEncoder().encode(`[{"v":1,"type":"a/b","to":"x","body":${body}}]`);
    const frame = join(Uint8Array.of(2, 3, 0, 0, 0, 0), text);
    new DataView(frame.buffer).setUint32(2, text.length);
    return frame;
  };
  const hostile = [
    "[".repeat(1_000_000) + "]".repeat(1_000_000),
    '{"a":'.repeat(1_000_000) + "1" + "}".repeat(1_000_000),
    '{"$":"set","v":['.repeat(200_000) + "]}".repeat(200_000),
    `{"$":"bigint","v":"0x${"f".repeat(4_000_000)}"}`,
    `[${'{"$":"undefined"},'.repeat(200_000)}1]`,
    `{"$":"map","v":[${"[1,2],".repeat(500_000)}[1,2]]}`,
  ];
  const startedMs = performance.now();
  for (const body of hostile) {
    const frame = decodeFrame(wrap(body), limits);
    assert(frame.kind === "pack");
    parseAll(frame.records[0]);
  }
  // A quadratic step over a million items takes minutes.
  assert(performance.now() - startedMs < 30_000);
});
