/** What only Google's store does: sessions whose last chunk is held back, and copies by the service. */

import assert from "node:assert/strict";
import type { Sink } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { failed } from "./paper_server.ts";
import { type PaperHarness, paperHarness, paperSink } from "./harness.ts";

const CHUNK = 8_388_608;
const SIZE = 2 * CHUNK + 12_345;
const BYTES = patterned(SIZE);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const OBJECT = "data/f";

async function withBucket(body: (harness: PaperHarness) => Promise<void>): Promise<void> {
  const harness = paperHarness();
  try {
    await body(harness);
  } finally {
    await harness.close();
  }
}

async function filled(sink: Sink, temp: string, bytes = BYTES) {
  const file = await sink.create(temp, NEVER);
  for (let at = 0; at < bytes.length; at += 1_048_576) {
    await file.write(bytes.subarray(at, at + 1_048_576), at);
  }
  return file;
}

Deno.test("nothing is there before publishing, although all but the last chunk were sent", () =>
  withBucket(async (harness) => {
    const sink = paperSink(harness, "f");
    const file = await filled(sink, "t.part", BYTES.subarray(0, 2 * CHUNK));
    await file.sync();
    const [session] = harness.bucket.sessions.values();
    assert.equal(session!.bytes.length, CHUNK, "a whole chunk is held back");
    assert.equal(harness.bucket.objects.get(OBJECT), undefined);
    const facts = await sink.publish(file, REPLACE);
    assert.deepEqual([facts.size, facts.fileId], [2 * CHUNK, file.fileId]);
    assertBytes(harness.bucket.objects.get(OBJECT)!.bytes, BYTES.subarray(0, 2 * CHUNK), "object");
  }));

Deno.test("a file of one chunk is one request, and no session", () =>
  withBucket(async (harness) => {
    const sink = paperSink(harness, "f");
    await sink.publish(await filled(sink, "t.part", BYTES.subarray(0, CHUNK)), REPLACE);
    assert.equal(harness.bucket.sessions.size, 0);
    assert.equal(harness.bucket.requests.filter((line) => line.startsWith("POST")).length, 1);
  }));

Deno.test("what the service did not keep of a chunk is sent again", () =>
  withBucket(async (harness) => {
    harness.bucket.keptBytes = 3 * 1_048_576;
    const sink = paperSink(harness, "f");
    await sink.publish(await filled(sink, "t.part"), REPLACE);
    assertBytes(harness.bucket.objects.get(OBJECT)!.bytes, BYTES, "the object");
    const puts = harness.bucket.requests.filter((line) => line.startsWith("PUT")).length;
    assert.equal(puts, 3 + 3 + 1);
  }));

Deno.test("a chunk whose answer was lost is not sent twice: the service is asked what it has", () =>
  withBucket(async (harness) => {
    let lost = 2;
    harness.bucket.forge = (request, _, body) => {
      const range = request.headers.get("content-range") ?? "";
      if (!/^bytes 8388608-\d+\/\*$/.test(range) || lost === 0) return null;
      lost -= 1;
      // The first time it never arrives, the second time it does.
      const [session] = harness.bucket.sessions.values();
      if (lost === 0) session!.bytes = new Uint8Array([...session!.bytes, ...body]);
      return failed(503);
    };
    const sink = paperSink(harness, "f");
    await sink.publish(await filled(sink, "t.part"), REPLACE);
    assertBytes(harness.bucket.objects.get(OBJECT)!.bytes, BYTES, "the object");
    assert.equal(lost, 0);
  }));

Deno.test("an upload is gone on with in this process, and cut only to nothing below what was sent", () =>
  withBucket(async (harness) => {
    const first = await filled(paperSink(harness, "f"), "t.part");
    await first.close();
    const sink = paperSink(harness, "f");
    const again = await sink.reopen("t.part", NEVER);
    assert.equal(await again!.size(), SIZE);
    await again!.truncate(2 * CHUNK + 5);
    assert.equal(await again!.size(), 2 * CHUNK + 5);
    await again!.truncate(CHUNK);
    assert.equal(await again!.size(), 0);
    assert.ok([...harness.bucket.sessions.values()].every(({ isOver }) => isOver));
    for (let at = 0; at < SIZE; at += CHUNK) await again!.write(BYTES.subarray(at, at + CHUNK), at);
    await sink.publish(again!, REPLACE);
    assertBytes(harness.bucket.objects.get(OBJECT)!.bytes, BYTES, "the object");
  }));

Deno.test("an upload that a later attempt aborted cannot be published", () =>
  withBucket(async (harness) => {
    const [stale, fresh] = [paperSink(harness, "f"), paperSink(harness, "f")];
    const file = await filled(stale, "t.part");
    await fresh.abort("t.part");
    const error = await assertFails(() => stale.publish(file, REPLACE), "notFound", "publish");
    assert.ok(error.definite);
    assert.ok([...harness.bucket.sessions.values()].every(({ isOver }) => isOver));
    assert.equal(harness.bucket.objects.size, 0);
  }));

Deno.test("of two sessions the one that was overtaken publishes nothing", () =>
  withBucket(async (harness) => {
    harness.bucket.put(OBJECT, patterned(3));
    const [stale, fresh] = [paperSink(harness, "f"), paperSink(harness, "f")];
    const old = await filled(stale, "old.part", patterned(SIZE, 9));
    await fresh.publish(await filled(fresh, "new.part"), REPLACE);
    const error = await assertFails(() => stale.publish(old, REPLACE), "changed", "the stale one");
    assert.ok(error.definite && !error.retryable);
    assertBytes(harness.bucket.objects.get(OBJECT)!.bytes, BYTES, "the newer one");
  }));

Deno.test("a large file gets its time after it is there, under its own generation", () =>
  withBucket(async (harness) => {
    const sink = paperSink(harness, "f");
    const mtimeMs = Date.UTC(2019, 1, 3, 4, 5, 6, 789);
    const facts = await sink.publish(await filled(sink, "t.part"), { ...REPLACE, mtimeMs });
    assert.equal(facts.mtimeMs, mtimeMs);
    assert.deepEqual(await sink.stat("f", NEVER), facts);
  }));

Deno.test("an answer that is lost leaves it open, and the object itself tells", () =>
  withBucket(async (harness) => {
    const sink = paperSink(harness, "f");
    const file = await filled(sink, "t.part", BYTES.subarray(0, 100));
    harness.bucket.forge = (request) => request.method === "POST" ? failed(503) : null;
    const error = await assertFails(() => sink.publish(file, REPLACE), "rateLimited", "publish");
    assert.ok(!error.definite);
    harness.bucket.forge = () => null;
    const expected = { name: "f", size: 100, sha256: null, fileId: file.fileId };
    assert.equal(await sink.probe("t.part", expected), "unpublished");
    await sink.publish((await sink.reopen("t.part", NEVER))!, REPLACE);
    assert.equal(await sink.probe("t.part", expected), "published");
  }));

Deno.test("a rename goes on until the service says that the copy is done", () =>
  withBucket(async (harness) => {
    harness.bucket.put("data/in/x", patterned(7));
    harness.bucket.rewriteSteps = 3;
    const directory = harness.protocol.directory!({
      ...plainEndpoint(harness.directory!.uri("in/")),
      ...harness.endpoint,
    }, harness.context);
    const options = { replace: false, createDirectories: true, expected: null };
    assert.equal(
      await directory.rename("x", harness.directory!.uri("done/x"), options, NEVER),
      true,
    );
    assert.deepEqual([...harness.bucket.objects.keys()], ["data/done/x"]);
  }));

const HOSTILE: readonly [string, (origin: string) => Response, string][] = [
  [
    "leads the upload to another host",
    () => new Response(null, { headers: { location: "http://127.0.0.2/elsewhere?upload_id=1" } }),
    "badResponse",
  ],
  ["names no upload", () => new Response(null), "badResponse"],
  [
    "keeps more than it was sent",
    (origin) => new Response(null, { headers: { location: `${origin}/x?upload_id=none` } }),
    "badResponse",
  ],
];

for (const [what, begun, code] of HOSTILE) {
  Deno.test(`gs sink: a service that ${what} gets ${code}, and no session's URL is shown`, () =>
    withBucket(async (harness) => {
      harness.bucket.forge = (request, url) => {
        if (request.method === "POST") return begun(url.origin);
        if (request.method !== "PUT") return null;
        return new Response(null, { status: 308, headers: { range: `bytes=0-${10 * CHUNK}` } });
      };
      const sink = paperSink(harness, "f");
      const writing = async () => await (await filled(sink, "t.part")).sync();
      const error = await writing().catch((thrown: unknown) => thrown) as Error & { code: string };
      assert.equal(error.code, code);
      assert.ok(!Deno.inspect(error, { depth: 10 }).includes("upload_id"));
    }));
}
