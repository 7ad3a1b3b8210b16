import assert from "node:assert/strict";
import fc from "fast-check";
import { crc32c, crc32cBase64 } from "../../../protocols/objects/crc32c.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

Deno.test("crc32c() gives the values that RFC 3720 and everybody else give", () => {
  assert.equal(crc32c(bytesOf("123456789")), 0xe306_9283);
  assert.equal(crc32c(new Uint8Array(32)), 0x8a91_36aa);
  assert.equal(crc32c(new Uint8Array(32).fill(0xff)), 0x62a8_ab43);
  assert.equal(crc32c(new Uint8Array(0)), 0);
  assert.equal(crc32cBase64(crc32c(bytesOf("123456789"))), "4waSgw==");
});

Deno.test("crc32c() of parts in order is that of the whole, wherever it is cut", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(200), (bytes, cut) => {
    const at = Math.min(cut, bytes.length);
    const first = crc32c(bytes.subarray(0, at));
    assert.equal(crc32c(bytes.subarray(at), first), crc32c(bytes));
  }));
});
