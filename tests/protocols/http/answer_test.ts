/** The judge of answers, against a stupid model of a server that tells the truth or lies. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { ByteRange } from "../../../protocols/contract.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { UNKNOWN_FINGERPRINT } from "../../../protocols/fingerprint.ts";
import { type Answer, judge, rangeHeaders } from "../../../protocols/http/answer.ts";
import type { Head } from "../../../protocols/http/status.ts";

const PLACE = { method: "GET", label: "http://host/path" };
const WHOLE: ByteRange = { start: 0, end: null };

function head(status: number, headers: Readonly<Record<string, string>>): Head {
  return { status, headers: new Map(Object.entries(headers)) };
}

/** What a correct server answers to the headers of a question, by RFC 9110. */
function truthful(size: number, asked: Readonly<Record<string, string>>): Head {
  const match = /^bytes=(\d+)-(\d*)$/.exec(asked.range ?? "");
  if (match === null) return head(200, { "content-length": String(size) });
  const start = Number(match[1]);
  const end = match[2] === "" ? size : Math.min(Number(match[2]) + 1, size);
  if (start >= size) return head(416, { "content-range": `bytes */${size}` });
  return head(206, {
    "content-range": `bytes ${start}-${end - 1}/${size}`,
    "content-length": String(end - start),
  });
}

const anyRange = fc.record({
  start: fc.nat(50),
  end: fc.option(fc.nat(50)),
}).filter(({ start, end }) => end === null || end >= start);

function codeOf(act: () => Answer): string {
  try {
    act();
    return "accepted";
  } catch (thrown) {
    if (thrown instanceof ProtocolError) return thrown.code;
    throw thrown;
  }
}

Deno.test("judge() takes from a truthful server exactly the bytes that a slice would give", () => {
  fc.assert(
    fc.property(fc.nat(40), anyRange, (size, range) => {
      const question = { range, expected: null };
      const answer = truthful(size, rangeHeaders(question));
      if (range.start > size) {
        assert.equal(codeOf(() => judge(PLACE, question, answer)), "rangeNotSupported");
        return;
      }
      const { announced, wanted, facts } = judge(PLACE, question, answer);
      const slice = new Uint8Array(size).slice(range.start, range.end ?? undefined);
      assert.equal(wanted ?? announced, slice.length);
      assert.equal(facts.fingerprint.size, size);
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("judge() accepts no part but the one that was asked for", () => {
  fc.assert(
    fc.property(anyRange, anyRange, fc.integer({ min: 1, max: 60 }), (asked, sent, size) => {
      const end = Math.min(sent.end ?? size, size);
      fc.pre(sent.start < end && !(asked.start === 0 && asked.end === null));
      const question = { range: asked, expected: null };
      const contentRange = `bytes ${sent.start}-${end - 1}/${size}`;
      const code = codeOf(() =>
        judge(PLACE, question, head(206, { "content-range": contentRange }))
      );
      const honest = truthful(size, rangeHeaders(question)).headers.get("content-range");
      assert.equal(code, contentRange === honest ? "accepted" : "badResponse");
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("judge() accepts nothing that contradicts the expected version", () => {
  const expected = { ...UNKNOWN_FINGERPRINT, etag: '"a"', size: 10 };
  const cases: [ByteRange, Head][] = [
    [WHOLE, head(200, { etag: '"b"', "content-length": "10" })],
    [WHOLE, head(200, { etag: '"a"', "content-length": "11" })],
    [{ start: 5, end: null }, head(206, { etag: '"b"', "content-range": "bytes 5-9/10" })],
    [{ start: 5, end: null }, head(206, { etag: '"a"', "content-range": "bytes 5-10/11" })],
    [{ start: 5, end: null }, head(200, { etag: '"b"', "content-length": "10" })],
    [{ start: 10, end: null }, head(416, { "content-range": "bytes */9" })],
  ];
  for (const [range, answer] of cases) {
    assert.equal(codeOf(() => judge(PLACE, { range, expected }, answer)), "changed");
  }
});

Deno.test("rangeHeaders() condition a range on the strongest validator that is known", () => {
  const range = { start: 5, end: 9 };
  const ms = Date.UTC(1994, 10, 6, 8, 49, 37);
  const both = { ...UNKNOWN_FINGERPRINT, etag: '"a"', mtimeMs: ms };
  assert.deepEqual(rangeHeaders({ range, expected: both }), {
    range: "bytes=5-8",
    "if-range": '"a"',
  });
  const dated = { ...UNKNOWN_FINGERPRINT, mtimeMs: ms };
  assert.equal(
    rangeHeaders({ range, expected: dated })["if-range"],
    "Sun, 06 Nov 1994 08:49:37 GMT",
  );
  assert.deepEqual(rangeHeaders({ range, expected: UNKNOWN_FINGERPRINT }), { range: "bytes=5-8" });
  assert.deepEqual(rangeHeaders({ range: WHOLE, expected: both }), {});
});

Deno.test("a weak ETag and a date as young as the answer identify nothing", () => {
  const date = "Sun, 06 Nov 1994 08:49:37 GMT";
  const answer = head(200, { etag: 'W/"a"', "last-modified": date, date });
  const { facts } = judge(PLACE, { range: WHOLE, expected: null }, answer);
  assert.deepEqual(facts.fingerprint, UNKNOWN_FINGERPRINT);
});

Deno.test("a Content-Digest counts for a whole file only, a Repr-Digest for parts too", () => {
  const digest = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:";
  const range = { start: 5, end: null };
  const part = { "content-range": "bytes 5-9/10" };
  const sha = (question: ByteRange, answer: Head) =>
    judge(PLACE, { range: question, expected: null }, answer).facts.sha256;
  assert.notEqual(sha(WHOLE, head(200, { "content-digest": digest })), null);
  assert.equal(sha(range, head(206, { ...part, "content-digest": digest })), null);
  assert.notEqual(sha(range, head(206, { ...part, "repr-digest": digest })), null);
});

Deno.test("judge() refuses encoded parts and lets identity pass", () => {
  const question = { range: { start: 5, end: null }, expected: null };
  const part = { "content-range": "bytes 5-9/10" };
  const gzip = head(206, { ...part, "content-encoding": "gzip" });
  assert.equal(codeOf(() => judge(PLACE, question, gzip)), "badResponse");
  const identity = head(206, { ...part, "content-encoding": "Identity" });
  assert.equal(codeOf(() => judge(PLACE, question, identity)), "accepted");
});

Deno.test("a length beside chunked framing announces nothing", () => {
  const headers = { "content-length": "10", "transfer-encoding": "chunked" };
  const answer = judge(PLACE, { range: WHOLE, expected: null }, head(200, headers));
  assert.equal(answer.announced, null);
  assert.equal(answer.facts.fingerprint.size, null);
});
