import assert from "node:assert/strict";
import fc from "fast-check";
import { ProtocolError } from "../../../protocols/errors.ts";
import {
  decodeAnswer,
  encodePacket,
  encodeWrite,
  PacketStream,
  TYPE,
} from "../../../protocols/sftp/packets.ts";

const MOST_BYTES = 65_536;

Deno.test("packets are those of the draft, byte for byte", () => {
  const hex = (bytes: Uint8Array) => bytes.toHex();
  assert.equal(hex(encodePacket(TYPE.init, null, [{ u32: 3 }])), "000000050100000003");
  assert.equal(
    hex(encodePacket(TYPE.open, 7, [{ text: "/a" }, { u32: 1 }, { attributes: {} }])),
    "00000013" + "03" + "00000007" + "000000022f61" + "00000001" + "00000000",
  );
  assert.equal(
    hex(encodeWrite(9, Uint8Array.of(0xaa), 2 ** 33, Uint8Array.of(1, 2))),
    "00000018" + "06" + "00000009" + "00000001aa" + "0000000200000000" + "000000020102",
  );
});

Deno.test("attributes are read in the order of their flags, extensions skipped", () => {
  const packet = Uint8Array.fromHex(
    "69" + "00000001" + "8000000f" + "0000000000001000" + "0000000100000002" + "000081a4" +
      "0000000a0000000b" + "00000001" + "0000000161" + "0000000162",
  );
  assert.deepEqual(decodeAnswer([packet]), {
    type: "attrs",
    id: 1,
    attributes: { size: 4096, mode: 0o100_644, mtimeSeconds: 11 },
  });
});

Deno.test("a stream in any pieces gives the same packets", () => {
  const payload = fc.uint8Array({ minLength: 1, maxLength: 300 });
  fc.assert(fc.property(fc.array(payload, { maxLength: 20 }), fc.array(fc.nat(50)), (all, cuts) => {
    const sent = all.flatMap((bytes) => [...lengthOf(bytes), ...bytes]);
    const stream = new PacketStream(MOST_BYTES);
    const came: string[] = [];
    let at = 0;
    for (const cut of [...cuts, sent.length]) {
      const piece = Uint8Array.from(sent.slice(at, at + cut));
      for (const packet of stream.push(piece)) came.push(packet.map((one) => one.toHex()).join(""));
      at += cut;
    }
    assert.deepEqual(came, all.map((bytes) => bytes.toHex()));
  }));
});

Deno.test("data come in the pieces in which they came, and never more than they say", () => {
  const data = fc.uint8Array({ maxLength: 300 });
  fc.assert(fc.property(data, fc.nat(9), fc.array(fc.nat(50)), (bytes, behind, cuts) => {
    const whole = Uint8Array.of(
      ...[TYPE.data, 0, 0, 0, 7, ...lengthOf(bytes)],
      ...bytes,
      ...new Uint8Array(behind),
    );
    const pieces: Uint8Array[] = [];
    let at = 0;
    for (const cut of [...cuts.filter((one) => one > 0), whole.length]) {
      if (at < whole.length) pieces.push(whole.subarray(at, at + cut));
      at += cut;
    }
    const answer = decodeAnswer(pieces);
    assert.ok(answer.type === "data");
    assert.equal(answer.id, 7);
    assert.equal(answer.length, bytes.length);
    assert.deepEqual(answer.pieces.flatMap((piece) => [...piece]), [...bytes]);
  }));
});

Deno.test("a packet may be written into memory that was used before, if it has its length", () => {
  const [handle, data] = [Uint8Array.of(1, 2), Uint8Array.of(7, 8, 9)];
  const fresh = encodeWrite(5, handle, 2 ** 40, data);
  const spare = new Uint8Array(fresh.length).fill(0xff);
  assert.equal(encodeWrite(5, handle, 2 ** 40, data, spare), spare);
  assert.deepEqual(spare, fresh);
  assert.notEqual(encodeWrite(5, handle, 0, data.subarray(1), spare), spare);
});

Deno.test("whatever a server sends is an answer or a typed error", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 200 }),
      fc.constantFrom(2, 101, 102, 103, 104, 105, 201),
      (bytes, type) => {
        for (const packet of [bytes, Uint8Array.of(type, ...bytes)]) {
          try {
            decodeAnswer([packet]);
          } catch (thrown) {
            assert.ok(thrown instanceof ProtocolError, String(thrown));
            assert.equal(thrown.code, "badResponse");
          }
        }
      },
    ),
    { numRuns: 2_000 },
  );
});

Deno.test("a packet of a gigabyte is refused by its length alone", () => {
  const stream = new PacketStream(MOST_BYTES);
  const banner = new TextEncoder().encode("This account is not available.\n");
  for (const bytes of [Uint8Array.of(0x40, 0, 0, 0), banner]) {
    assert.throws(() => [...new PacketStream(MOST_BYTES).push(bytes)], { code: "badResponse" });
  }
  assert.deepEqual([...stream.push(Uint8Array.of(0, 0))], []);
});

function lengthOf(bytes: Uint8Array): Uint8Array {
  const head = new Uint8Array(4);
  new DataView(head.buffer).setUint32(0, bytes.length);
  return head;
}
