/** What only encoded files have: frames, keys, ratios, and a format that stays. */

import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import * as zlib from "node:zlib";
import type { Sink, Source } from "../../../protocols/contract.ts";
import { decodedSource, encodedSink, type Encoding } from "../../../protocols/encoded/encoded.ts";
import { keyFromText } from "../../../protocols/encoded/sealed_head.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { memoryProtocol, memoryUriOf } from "../../../protocols/memory/protocol.ts";
import { MemoryStore } from "../../../protocols/memory/store.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { assertBytes, assertFails, fetched, NEVER, patterned } from "../../conformance/case.ts";

const MIB = 1_048_576;
const KEY = new Uint8Array(32).fill(9);
const OTHER = new Uint8Array(32).fill(8);
const PATH = "/data/file";
const PUBLISH = { name: "file", replace: true, mtimeMs: null, mode: null };
const SEALED: Encoding = { compression: null, keys: [KEY] };

interface Place {
  readonly store: MemoryStore;
  sink(encoding: Encoding): Sink;
  sealed(...keys: readonly Uint8Array[]): Source;
  compressed(format: "gzip" | "zstd", maxRatio?: number): Source;
}

/** One store, in a world that is turned until `body` has ended. */
async function within(body: (place: Place) => Promise<void>): Promise<void> {
  const world = new World(11);
  const store = new MemoryStore(simulatedEnv({ seed: 11, world, name: "store" }), {});
  const context = { env: simulatedEnv({ seed: 11, world, name: "client" }) };
  const protocol = memoryProtocol(store);
  const endpoint = plainEndpoint(memoryUriOf(PATH));
  const place = { createDirectories: false, root: null, sync: true };
  await world.complete(body({
    store,
    sink: (encoding) => encodedSink(protocol, { ...endpoint, ...place }, context, encoding),
    sealed: (...keys) => decodedSource(protocol, endpoint, context, { keys, decompression: null }),
    compressed: (format, maxRatio = 1e6) => {
      const decompression = { format, maxRatio };
      return decodedSource(protocol, endpoint, context, { keys: [], decompression });
    },
  }));
}

async function written(sink: Sink, bytes: Uint8Array): Promise<void> {
  const file = await sink.create("t.part", NEVER);
  for (let at = 0; at < bytes.length; at += 700_001) {
    await file.write(bytes.subarray(at, at + 700_001), at);
  }
  await sink.publish(file, PUBLISH);
}

for (const size of [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB]) {
  Deno.test(`a sealed file of ${size} bytes comes back, and tells its size`, () =>
    within(async ({ sink, sealed }) => {
      const bytes = patterned(size);
      await written(sink(SEALED), bytes);
      const source = sealed(KEY);
      assert.equal((await source.stat(NEVER)).fingerprint.size, size);
      assertBytes(await fetched(source), bytes, "the file");
      if (size > 10) {
        const range = { start: size - 7, end: size };
        assertBytes(await fetched(source, range), bytes.subarray(size - 7), "its end");
      }
    }));
}

for (const [format, inflate] of [["gzip", zlib.gunzipSync]] as const) {
  Deno.test(`a file that we compress as ${format} is one for every other tool`, () =>
    within(async ({ store, sink }) => {
      const bytes = patterned(2 * MIB + 5);
      await written(sink({ compression: format, keys: [] }), bytes);
      assertBytes(new Uint8Array(inflate(store.get(PATH)!)), bytes, "by another tool");
    }));
}

for (const encoding of [SEALED, { compression: "gzip", keys: [] } as const]) {
  const what = encoding.compression ?? "sealed";

  Deno.test(`writing a ${what} file goes on behind the last frame that is whole`, () =>
    within(async ({ store, sink, sealed, compressed }) => {
      const bytes = patterned(3 * MIB + 1_000);
      const first = await sink(encoding).create("t.part", NEVER);
      await first.write(bytes.subarray(0, 2 * MIB + 500_000), 0);
      await first.sync();
      await first.close();
      // A crash in the middle of a write: the last frame is not all there.
      const torn = await sink(encoding).reopen("t.part", NEVER);
      assert.ok(torn !== null);
      assert.equal(await torn.size(), 2 * MIB + 500_000);
      await torn.close();
      const upload = store.uploads.get("/data/t.part");
      assert.ok(upload !== undefined);
      upload.truncate(upload.size - 1);
      const later = sink(encoding);
      const file = await later.reopen("t.part", NEVER);
      assert.ok(file !== null);
      const kept = await file.size();
      assert.equal(kept, 2 * MIB);
      const into = new Uint8Array(1_000);
      assert.equal(await file.read(into, MIB - 10), 10);
      assertBytes(into.subarray(0, 10), bytes.subarray(MIB - 10, MIB), "what was kept");
      await file.truncate(MIB + 77);
      await file.write(bytes.subarray(MIB + 77), MIB + 77);
      await later.publish(file, PUBLISH);
      const source = encoding.compression === null ? sealed(KEY) : compressed("gzip");
      assertBytes(await fetched(source), bytes, "the file");
    }));
}

Deno.test("a frame for the time being is replaced, however often a file is synced", () =>
  within(async ({ sink, sealed }) => {
    const bytes = patterned(MIB + 5_000);
    const to = sink(SEALED);
    const file = await to.create("t.part", NEVER);
    for (let at = 0; at < bytes.length; at += 100_000) {
      await file.write(bytes.subarray(at, at + 100_000), at);
      await file.sync();
    }
    await to.publish(file, PUBLISH);
    assertBytes(await fetched(sealed(KEY)), bytes, "the file");
  }));

Deno.test("no bit of a sealed file can be changed, nor a byte cut off or added", () =>
  within(async ({ store, sink, sealed }) => {
    await written(sink(SEALED), patterned(2_000));
    const whole = store.get(PATH)!;
    const codes = ["badResponse", "denied", "truncated", "tooLong"] as const;
    for (const at of [0, 9, 40, 200, 1_024, 1_027, 1_029, 1_033, 1_060, whole.length - 1]) {
      const changed = whole.slice();
      changed[at]! ^= 1;
      store.put(PATH, changed);
      await assertFails(() => fetched(sealed(KEY)), codes, `bit ${at}`);
    }
    store.put(PATH, whole.subarray(0, whole.length - 1));
    await assertFails(() => fetched(sealed(KEY)), codes, "a byte less");
    store.put(PATH, new Uint8Array(Buffer.concat([whole, Uint8Array.of(0)])));
    await assertFails(() => fetched(sealed(KEY)), codes, "a byte more");
  }));

Deno.test("a sealed file that was cut behind a whole frame is found out", () =>
  within(async ({ store, sink, sealed }) => {
    await written(sink(SEALED), patterned(2 * MIB));
    const whole = store.get(PATH)!;
    const frame = MIB + 8 + 12 + 16;
    store.put(PATH, whole.subarray(0, 1_024 + 2 * frame));
    await assertFails(() => fetched(sealed(KEY)), "truncated", "cut at a frame's end");
    const [head, first, second, last] = [
      whole.subarray(0, 1_024),
      whole.subarray(1_024, 1_024 + frame),
      whole.subarray(1_024 + frame, 1_024 + 2 * frame),
      whole.subarray(1_024 + 2 * frame),
    ];
    store.put(PATH, new Uint8Array(Buffer.concat([head, second, first, last])));
    await assertFails(() => fetched(sealed(KEY)), "badResponse", "frames in another order");
  }));

Deno.test("a key that does not fit is told by its fingerprint, never by itself", () =>
  within(async ({ sink, sealed }) => {
    await written(sink(SEALED), patterned(100));
    const error = await assertFails(() => fetched(sealed(OTHER)), "denied", "another key");
    assert.match(error.message, /its key sha256:[0-9a-f]{16} is none of those given/);
    assert.ok(!error.message.includes(Buffer.from(OTHER).toString("hex").slice(0, 16)));
    assertBytes(await fetched(sealed(OTHER, KEY)), patterned(100), "one of several keys");
  }));

Deno.test("what is not sealed is refused as such", () =>
  within(async ({ store, sealed }) => {
    store.put(PATH, patterned(5_000));
    await assertFails(() => fetched(sealed(KEY)), "badResponse", "other bytes");
    store.put(PATH, new Uint8Array(10));
    await assertFails(() => fetched(sealed(KEY)), "truncated", "too few bytes for a head");
  }));

Deno.test("keys are 32 bytes of base64 or hexadecimal, and not told in errors", async () => {
  assert.deepEqual(keyFromText(`${Buffer.from(KEY).toString("base64")}\n`), KEY);
  assert.deepEqual(keyFromText(Buffer.from(KEY).toString("hex")), KEY);
  const error = await assertFails(() => keyFromText("hunter2"), "badEndpoint", "a password");
  assert.ok(!error.message.includes("hunter2"));
});

Deno.test("what becomes too many times as long is a bomb", () =>
  within(async ({ store, compressed }) => {
    store.put(PATH, new Uint8Array(zlib.gzipSync(new Uint8Array(40 * MIB))));
    await assertFails(() => fetched(compressed("gzip", 250)), "tooLong", "a bomb of gzip");
    assert.equal((await fetched(compressed("gzip", 2_000))).length, 40 * MIB);
    store.put(PATH, new Uint8Array(zlib.zstdCompressSync(new Uint8Array(40 * MIB))));
    await assertFails(() => fetched(compressed("zstd", 250)), "tooLong", "a bomb of zstd");
  }));

Deno.test("a compressed source that is damaged, cut or of another format does not pass", () =>
  within(async ({ store, compressed }) => {
    const whole = new Uint8Array(zlib.gzipSync(patterned(100_000)));
    store.put(PATH, whole.subarray(0, whole.length - 9));
    await assertFails(() => fetched(compressed("gzip")), "truncated", "cut");
    const damaged = whole.slice();
    damaged[whole.length - 6]! ^= 1;
    store.put(PATH, damaged);
    await assertFails(() => fetched(compressed("gzip")), "badResponse", "another checksum");
    store.put(PATH, whole);
    await assertFails(() => fetched(compressed("zstd")), "badResponse", "another format");
  }));

Deno.test("a silence within a frame is ended by the signal", () =>
  within(async ({ store, sink, sealed }) => {
    await written(sink(SEALED), patterned(500_000));
    store.setFaults(PATH, { stallAtBytes: 10_000 });
    const abort = new AbortController();
    const reader = await sealed(KEY).open({ start: 0, end: null }, null, abort.signal);
    const waiting = assertFails(() => reader.read(new Uint8Array(10)), "aborted", "the read");
    abort.abort(new Error("no longer wanted"));
    await waiting;
    await reader.close();
  }));
