import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeCommand,
  decodeResult,
  encodeCommand,
  encodeResult,
} from "../../../runtime/raft/command_codec.ts";
import { RaftError } from "../../../runtime/raft/errors.ts";

const key = fc.oneof(fc.string(), fc.constantFrom("$", "v", "__proto__"));
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constantFrom(null, undefined, true, -0),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.array(fc.tuple(tie("value"), tie("value"))).map((pairs) => new Map(pairs)),
    fc.array(tie("value")).map((items) => new Set(items)),
    fc.dictionary(key, tie("value")),
  ),
})).value;

Deno.test("a command comes out of its bytes as it went in, wherever these stand", () => {
  fc.assert(
    fc.property(value, fc.nat({ max: 9 }), (command, before) => {
      const bytes = encodeCommand(command);
      const among = new Uint8Array(before + bytes.length + 3).fill(7);
      among.set(bytes, before);
      const there = among.subarray(before, before + bytes.length);
      const decoded = decodeCommand(there);
      there.fill(0);
      assert.deepStrictEqual(decoded, command);
      assert.deepStrictEqual(decodeResult(encodeResult(command)), command);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("the bytes of version 1 and 2 are frozen", () => {
  const hex = (command: unknown) => encodeCommand(command).toHex();
  const text = (bytes: string) => new TextDecoder().decode(Uint8Array.fromHex(bytes));
  assert.equal(
    hex({ put: "ä", at: [1, null] }),
    "017b22707574223a22c3a4222c226174223a5b312c6e756c6c5d7d",
  );
  const tagged = hex({ bytes: Uint8Array.of(1, 2), n: 255n });
  assert.equal(tagged.slice(0, 10), "020000003b");
  assert.equal(
    text(tagged.slice(10, -4)),
    `{"bytes":{"$":"bytes","v":2},"n":{"$":"bigint","v":"0xff"}}`,
  );
  assert.equal(tagged.slice(-4), "0102");
});

function codeOf(bytes: Uint8Array): string {
  try {
    decodeCommand(bytes);
    return "none";
  } catch (error) {
    assert(error instanceof RaftError, String(error));
    return error.code;
  }
}

Deno.test("bytes that are no command are refused, those of a later version by that name", () => {
  const tagged = encodeCommand({ bytes: new Uint8Array(9), n: 1n });
  for (let length = 0; length < tagged.length; length += 1) {
    assert.equal(codeOf(tagged.subarray(0, length)), "LogCorrupt");
  }
  assert.equal(codeOf(Uint8Array.of(...tagged, 0)), "LogCorrupt");
  assert.equal(codeOf(new TextEncoder().encode("\u0001{")), "LogCorrupt");
  assert.equal(codeOf(Uint8Array.of(1, 0x22, 0xff, 0x22)), "LogCorrupt");
  assert.equal(codeOf(Uint8Array.of(3, 1)), "LogVersion");
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert(["none", "LogCorrupt", "LogVersion"].includes(codeOf(bytes)));
  }));
});

Deno.test("what cannot be carried is refused with its path", () => {
  assert.throws(() => encodeCommand({ a: [() => 1] }), {
    code: "NotEncodable",
    message: /body\.a\[0\]/,
  });
});
