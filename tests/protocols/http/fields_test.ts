/** Header fields: what is well-formed is understood, everything else is `null`, nothing throws. */

import assert from "node:assert/strict";
import fc from "fast-check";
import {
  formatHttpDate,
  parseContentLength,
  parseContentRange,
  parseDigestDictionary,
  parseDigestLegacy,
  parseHttpDate,
  parseRetryAfterMs,
  parseStrongEtag,
} from "../../../protocols/http/fields.ts";

const HEX = "5f8f04f6a3a892aaabbddb6cf273894493773960d4a325b105fee46eef4304f1";
const BASE64 = "X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=";

Deno.test("parseHttpDate() understands all three forms of RFC 9110", () => {
  const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
  assert.equal(parseHttpDate("Sun, 06 Nov 1994 08:49:37 GMT"), expected);
  assert.equal(parseHttpDate("Sunday, 06-Nov-94 08:49:37 GMT"), expected);
  assert.equal(parseHttpDate("Sun Nov  6 08:49:37 1994"), expected);
  assert.equal(parseHttpDate("Monday, 06-Nov-23 08:49:37 GMT"), Date.UTC(2023, 10, 6, 8, 49, 37));
});

Deno.test("parseHttpDate() refuses what is no time", () => {
  for (
    const text of [
      "",
      "1994-11-06",
      "Sun, 31 Feb 1994 08:49:37 GMT",
      "Sun, 06 Nox 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 24:49:37 GMT",
      "Sun, 00 Nov 1994 08:49:37 GMT",
      "Sun, 06 Nov 1994 08:49:37 CET",
    ]
  ) assert.equal(parseHttpDate(text), null, text);
});

Deno.test("a date that is formatted is parsed back, to the second", () => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 4_102_444_800 }), (seconds) => {
    assert.equal(parseHttpDate(formatHttpDate(seconds * 1_000)), seconds * 1_000);
  }));
});

Deno.test("a Content-Range that is formatted is parsed back", () => {
  const count = fc.integer({ min: 0, max: 2 ** 50 });
  fc.assert(fc.property(count, count, count, (start, length, after) => {
    const end = start + length + 1;
    const total = end + after;
    const range = { start, end };
    assert.deepEqual(parseContentRange(`bytes ${start}-${end - 1}/${total}`), { range, total });
    assert.deepEqual(parseContentRange(`bytes ${start}-${end - 1}/*`), { range, total: null });
    assert.deepEqual(parseContentRange(`bytes */${total}`), { range: null, total });
  }));
});

Deno.test("parseContentRange() refuses ranges that cannot be", () => {
  for (
    const text of [
      "",
      "bytes */*",
      "bytes 5-4/10",
      "bytes 0-10/10",
      "bytes 0-9",
      "items 0-9/10",
      "bytes 0-99999999999999999999/*",
      "bytes 0-9/99999999999999999",
      "bytes=0-9/10",
    ]
  ) assert.equal(parseContentRange(text), null, text);
});

Deno.test("parseContentLength() takes one value, even said twice", () => {
  assert.equal(parseContentLength("0"), 0);
  assert.equal(parseContentLength("5, 5"), 5);
  for (const text of ["", "5, 6", "-1", "1e3", "0x10", "5,", "99999999999999999999"]) {
    assert.equal(parseContentLength(text), null, text);
  }
});

Deno.test("parseStrongEtag() keeps strong tags with their quotes only", () => {
  assert.equal(parseStrongEtag('"a-b"'), '"a-b"');
  assert.equal(parseStrongEtag('""'), '""');
  for (const text of ["", 'W/"a"', "a", '"a', '"a"b"', '"a\nb"']) {
    assert.equal(parseStrongEtag(text), null, text);
  }
});

Deno.test("digests are read in their new and old spelling", () => {
  assert.equal(parseDigestDictionary(`sha-256=:${BASE64}:`), HEX);
  assert.equal(parseDigestDictionary(`sha-512=:AAAA:, sha-256=:${BASE64}:;x=1`), HEX);
  assert.equal(parseDigestLegacy(`SHA-256=${BASE64}`), HEX);
  assert.equal(parseDigestLegacy(`md5=AAAA, sha-256=${BASE64}`), HEX);
  for (const text of ["", "sha-256=:AAAA:", `sha-256=${BASE64}`, `xsha-256=:${BASE64}:`]) {
    assert.equal(parseDigestDictionary(text), null, text);
  }
});

Deno.test("parseRetryAfterMs() is never negative and never above its bound", () => {
  fc.assert(fc.property(fc.string(), fc.nat(), (text, maxMs) => {
    const ms = parseRetryAfterMs(text, 0, maxMs);
    assert.ok(ms === null || (ms >= 0 && ms <= maxMs));
  }));
  assert.equal(parseRetryAfterMs("Sun, 06 Nov 1994 08:49:37 GMT", Date.UTC(2020, 0), 1_000), 0);
  assert.equal(parseRetryAfterMs("soon", 0, 1_000), null);
});

Deno.test("no field parser throws, whatever comes", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
    const parsers = [
      parseHttpDate,
      parseContentLength,
      parseContentRange,
      parseStrongEtag,
      parseDigestDictionary,
      parseDigestLegacy,
    ];
    for (const parse of parsers) parse(text);
  }));
});
