/** A request that publishes and that nobody has answered: it may land later, and no probe denies it. */

import assert from "node:assert/strict";
import type { ProbeExpectation, Sink, SinkFile } from "../../../protocols/contract.ts";
import { assertBytes, assertFails, NEVER, patterned } from "../../conformance/case.ts";
import { failed } from "./paper_server.ts";
import { type PaperHarness, paperHarness, paperSink } from "./harness.ts";

const CHUNK = 8_388_608;
const SHORT = patterned(100);
const LONG = patterned(CHUNK + 12_345);
const REPLACE = { name: "f", replace: true, mtimeMs: null, mode: null };
const OBJECT = "data/f";

/** A bucket whose publishing requests break off at a gateway; `land` carries one out afterwards. */
interface Bucket extends PaperHarness {
  /** Holds back so many of the next ones. */
  holds(count: number): void;
  land(index: number): Promise<number>;
}

async function withBucket(body: (bucket: Bucket) => Promise<void>): Promise<void> {
  const harness = paperHarness();
  const held: Request[] = [];
  let left = 0;
  harness.bucket.forge = ({ url, method, headers }, { searchParams }, content) => {
    const isWhole = searchParams.get("uploadType") === "multipart";
    const isLast = /^bytes \d+-\d+\/\d+$/.test(headers.get("content-range") ?? "");
    if ((!isWhole && !isLast) || left === 0) return null;
    left -= 1;
    held.push(new Request(url, { method, headers, body: content.slice() }));
    return failed(504);
  };
  const land = async (index: number) => {
    const response = await fetch(held[index]!);
    await response.body?.cancel();
    return response.status;
  };
  try {
    await body(Object.assign(harness, { land, holds: (count: number) => void (left = count) }));
  } finally {
    await harness.close();
  }
}

async function written(sink: Sink, bytes: Uint8Array, temp = "t.part"): Promise<SinkFile> {
  const file = await sink.create(temp, NEVER);
  await file.write(bytes, 0);
  return file;
}

/** A file whose publication nobody has answered. */
async function lost(bucket: Bucket, bytes: Uint8Array): Promise<ProbeExpectation> {
  const sink = paperSink(bucket, "f");
  const file = await written(sink, bytes);
  bucket.holds(4);
  const error = await assertFails(() => sink.publish(file, REPLACE), "serverError", "publish");
  assert.ok(!error.definite);
  return { name: "f", size: bytes.length, sha256: null, fileId: file.fileId };
}

Deno.test("gs: a request that lands after the probe was unknown before it, and is published after it", () =>
  withBucket(async (bucket) => {
    const expected = await lost(bucket, SHORT);
    assert.equal(await paperSink(bucket, "f").probe("t.part", expected), "unknown");
    assert.equal(await bucket.land(0), 200);
    assert.equal(await paperSink(bucket, "f").probe("t.part", expected), "published");
    assert.deepEqual([await bucket.land(1), await bucket.land(2)], [412, 412]);
  }));

Deno.test("gs: what stood at the name before proves nothing once its writer's process is gone", () =>
  withBucket(async (bucket) => {
    bucket.bucket.put(OBJECT, patterned(5));
    const sink = paperSink(bucket, "f");
    const file = await written(sink, SHORT);
    const expected = { name: "f", size: 100, sha256: null, fileId: file.fileId };
    assert.equal(await sink.probe("t.part", expected), "unpublished", "whoever holds it knows");
    const other = paperHarness();
    other.bucket.put(OBJECT, patterned(5));
    assert.equal(await paperSink(other, "f").probe("t.part", expected), "unknown");
    await other.close();
  }));

Deno.test("gs: a request that lands late replaces nothing that was published after it", () =>
  withBucket(async (bucket) => {
    await lost(bucket, SHORT);
    const next = paperSink(bucket, "f");
    await next.publish(await written(next, SHORT, "u.part"), REPLACE);
    const standing = bucket.bucket.objects.get(OBJECT);
    assert.equal(await bucket.land(0), 412);
    assert.equal(bucket.bucket.objects.get(OBJECT), standing);
  }));

Deno.test("gs: the last chunk of a session that stands is not published, and fails once that is ended", () =>
  withBucket(async (bucket) => {
    const expected = await lost(bucket, LONG);
    const sink = paperSink(bucket, "f");
    assert.equal(await sink.probe("t.part", expected), "unpublished");
    await sink.abort("t.part");
    assert.ok(await bucket.land(0) >= 400);
    assert.equal(bucket.bucket.objects.size, 0);
    assert.equal(await sink.probe("t.part", expected), "unknown");
  }));

Deno.test("gs: after a broken gateway the last chunk goes again, and the object is made once", () =>
  withBucket(async (bucket) => {
    const sink = paperSink(bucket, "f");
    const file = await written(sink, LONG);
    bucket.holds(1);
    assert.equal((await sink.publish(file, REPLACE)).fileId, file.fileId);
    assertBytes(bucket.bucket.objects.get(OBJECT)!.bytes, LONG, "the object");
  }));

Deno.test("gs: a long file for another name than the declared one moves no byte twice", () =>
  withBucket(async (bucket) => {
    bucket.bucket.put(OBJECT, patterned(5));
    const sink = paperSink(bucket, "f");
    const file = await sink.create("t.part", NEVER, LONG.length, "f (1)");
    assert.equal(file.boundTo, null);
    await file.write(LONG, 0);
    assert.equal(file.boundTo, "f (1)");
    await sink.publish(file, { ...REPLACE, replace: false, name: "f (1)" });
    assertBytes(bucket.bucket.objects.get(`${OBJECT} (1)`)!.bytes, LONG, "the other name");
    assert.equal(bucket.bucket.objects.get(OBJECT)!.bytes.length, 5);
  }));
