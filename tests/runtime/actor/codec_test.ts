import assert from "node:assert/strict";
import fc from "fast-check";
import { decodeMessage, encodeMessage } from "../../../runtime/actor/codec.ts";
import { protocol } from "../../../runtime/actor/protocol.ts";
import { virtualNode } from "../../../testing.ts";
import { ActorError } from "../../../runtime/actor/errors.ts";

const Empty = protocol("test.empty", { version: 1, messages: {} });
const key = fc.oneof(fc.string(), fc.constantFrom("$", "v", "__proto__", "constructor", "toJSON"));
const value = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5 },
    fc.string({ unit: "binary" }),
    fc.double(),
    fc.constantFrom(NaN, Infinity, -Infinity, -0, null, undefined, true, false),
    fc.bigInt(),
    fc.date({ noInvalidDate: false }),
    fc.uint8Array(),
    fc.array(tie("value")),
    fc.array(tie("value")).map((items) => new Set(items)),
    fc.array(fc.tuple(tie("value"), tie("value"))).map((pairs) => new Map(pairs)),
    fc.array(fc.tuple(key, tie("value"))).map((pairs) => Object.fromEntries(pairs)),
    fc.dictionary(key, tie("value")),
  ),
})).value;

Deno.test("the codec gives back every value that it takes, unchanged", () => {
  fc.assert(
    fc.property(value, (body) => {
      assert.deepStrictEqual(decodeMessage(encodeMessage(body)), body);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the codec refuses what it cannot carry and names the path", () => {
  class Account {}
  const ring: { self?: unknown } = {};
  ring.self = ring;
  const { node } = virtualNode();
  const [here, there] = [node.id, "elsewhere"].map((id) => node.ref(Empty, `quorus://${id}/a`));
  const refused: [unknown, RegExp][] = [
    [{ a: [() => 1] }, /body\.a\[0\] is a function/],
    [{ a: Symbol("s") }, /body\.a is a symbol/],
    [{ a: new Account() }, /body\.a is an instance of Account/],
    [{ to: here }, /body\.to is a ref; send ref\.address and make a ref of it with ctx\.ref$/],
    [[there], /body\[0\] is a ref; send ref\.address/],
    [new Error("x"), /body is an instance of Error/],
    [ring, /body\.self is a cycle/],
    [[1, , 2], /holes/],
    [{ [Symbol("k")]: 1 }, /keyed by a symbol/],
    [new Uint16Array(2), /instance of Uint16Array/],
    [new Map([["k", () => 1]]), /body entry 0 is a function/],
  ];
  for (const [body, message] of refused) {
    assert.throws(() => encodeMessage(body), (error) => {
      assert(error instanceof ActorError);
      assert.equal(error.code, "NotEncodable");
      assert.match(error.message, message);
      return true;
    });
  }
});

Deno.test("the codec refuses nesting beyond its limit instead of overflowing the stack", () => {
  let deep: unknown = 1;
  for (let level = 0; level < 10_000; level += 1) deep = [deep];
  assert.throws(() => encodeMessage(deep), { code: "NotEncodable" });
});

Deno.test("decoding text from elsewhere never throws anything but BadMessage", () => {
  const json = fc.oneof(
    fc.string(),
    fc.json(),
    fc.record({
      $: fc.oneof(
        fc.string(),
        fc.constantFrom("bigint", "map", "set", "bytes", "date", "object", "number", "bare"),
      ),
      v: fc.jsonValue(),
    })
      .map((plain) => JSON.stringify(plain)),
  );
  fc.assert(
    fc.property(json, (text) => {
      try {
        decodeMessage(text);
      } catch (error) {
        assert(error instanceof ActorError, String(error));
        assert.equal(error.code, "BadMessage");
      }
    }),
    { numRuns: 500 },
  );
});

Deno.test("a __proto__ key from the wire does not change a prototype", () => {
  assert.throws(() => decodeMessage('{"__proto__":{"admin":true}}'), { code: "BadMessage" });
  const body = decodeMessage(encodeMessage(JSON.parse('{"__proto__":{"admin":true}}')));
  assert.equal(Object.getPrototypeOf(body), Object.prototype);
});
