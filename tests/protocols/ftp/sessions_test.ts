/** Sessions: how many there are, and in what state a transfer leaves them. */

import assert from "node:assert/strict";
import {
  assertBytes,
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
} from "../../conformance/case.ts";
import { ProtocolError } from "../../../protocols/errors.ts";
import { type PaperHarness, paperHarness, paperSource } from "./paper_harness.ts";
import type { PaperQuirks } from "./paper_quirks.ts";

const WHOLE = patterned(300_000);

async function withServer(
  quirks: PaperQuirks,
  body: (harness: PaperHarness) => Promise<void>,
): Promise<void> {
  const harness = paperHarness(quirks);
  harness.server.files.put("/data/f", WHOLE);
  await harness.run!(() => body(harness));
  await harness.close();
}

Deno.test("ftp: one after the other, everything goes through one session", () =>
  withServer({}, async (harness) => {
    for (let count = 0; count < 5; count += 1) {
      const source = paperSource(harness, "f");
      await source.stat(NEVER);
      await fetched(source);
      await source.close();
    }
    assert.equal(harness.server.allSessions, 1);
  }));

Deno.test("ftp: many at once share so many sessions as are declared", () =>
  withServer({}, async (harness) => {
    const options = { tls: "none", sessions: 3 };
    await Promise.all(Array.from({ length: 12 }, async () => {
      const source = paperSource(harness, "f", { options });
      assertBytes(await fetched(source), WHOLE, "one of many");
      await source.close();
    }));
    assert.equal(harness.server.mostSessions, 3);
  }));

Deno.test("ftp: a range that ends in the middle leaves the session ready for the next one", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f");
    for (const start of [0, 1, 100_000, 299_999]) {
      const end = Math.min(start + 1_000, WHOLE.length);
      assertBytes(await fetched(source, { start, end }), WHOLE.slice(start, end), `from ${start}`);
    }
    assert.equal(harness.server.allSessions, 1);
    await source.close();
  }));

Deno.test("ftp: an aborted read ends at once, and the session is used again or dropped, never mixed up", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f");
    for (const then of ["end", "stall"] as const) {
      harness.server.quirks = {
        sends: (_path, bytes) => ({ bytes: bytes.subarray(0, 1_000), then }),
      };
      const abort = new AbortController();
      const reader = await source.open({ start: 0, end: null }, null, abort.signal);
      while (then === "stall" && await reader.read(new Uint8Array(1_000)) < 1_000);
      const reading = reader.read(new Uint8Array(10));
      abort.abort(new Error("no longer wanted"));
      await assert.rejects(reading, { code: "aborted" });
      await reader.close();
      harness.server.quirks = {};
      assertBytes(await fetched(source), WHOLE, `after ${then}`);
    }
    await source.close();
  }));

Deno.test("ftp: a server that says nothing after a broken transfer loses the session", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f");
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    await reader.read(new Uint8Array(10));
    harness.server.quirks = {
      forge: (command, answer) => command.startsWith("RETR") ? "" : answer,
    };
    await reader.close();
    harness.server.quirks = {};
    assertBytes(await fetched(source), WHOLE, "by another session");
    assert.equal(harness.server.allSessions, 2);
    await source.close();
  }));

Deno.test("ftp: a session that broke down while nobody used it is not given out", () =>
  withServer({}, async (harness) => {
    const source = paperSource(harness, "f");
    await source.stat(NEVER);
    harness.network.cut();
    assertBytes(await fetched(source), WHOLE, "by another session");
    assert.equal(harness.server.allSessions, 2);
    await source.close();
  }));

Deno.test("ftp: a session that is held and silent says NOOP, one that nobody holds is ended", () =>
  withServer({}, async (harness) => {
    const { timers } = harness.context.env;
    const passed = (ms: number) => new Promise<void>((resolve) => timers.after(ms, resolve));
    const noops = () => harness.server.commands.filter((command) => command === "NOOP").length;
    harness.server.files.put("/data/empty", new Uint8Array(0));
    const source = paperSource(harness, "empty");
    const reader = await source.open({ start: 0, end: null }, null, NEVER);
    await passed(90_000);
    assert.ok(noops() >= 3, `${noops()} in 90 seconds`);
    await reader.close();
    const said = noops();
    await passed(90_000);
    assert.equal(noops(), said);
    assert.equal(harness.server.sessions.size, 0);
    await source.close();
  }));

Deno.test("ftp: readers and writers of one server do not wait for each other in a circle", () =>
  withServer({}, async (harness) => {
    await Promise.all(Array.from({ length: 10 }, async (_, index) => {
      const source = paperSource(harness, "f");
      const reader = await source.open({ start: 0, end: null }, null, NEVER);
      const sink = sinkOf(harness, harness.sink!, `out${index}`);
      const file = await sink.create(`t${index}.part`, NEVER);
      const buffer = new Uint8Array(100_000);
      for (let at = 0;;) {
        const count = await reader.read(buffer);
        if (count === 0) break;
        await file.write(buffer.subarray(0, count), at);
        at += count;
        if (at % 3 === 0) await file.sync();
      }
      await reader.confirm();
      assert.equal(await file.read(buffer, 0), buffer.length);
      await sink.publish(file, { name: `out${index}`, replace: false, mtimeMs: null, mode: null });
      await reader.close();
      await source.close();
      await sink.close();
    }));
    for (let index = 0; index < 10; index += 1) {
      const { bytes } = harness.server.files.files.get(`/data/out${index}`)!;
      assertBytes(bytes, WHOLE, `out${index}`);
    }
    assert.ok(harness.server.mostSessions <= 14, `${harness.server.mostSessions} sessions`);
  }));

Deno.test("ftp: a writer whose connection broke keeps what arrived for the next attempt", () =>
  withServer({}, async (harness) => {
    const sink = sinkOf(harness, harness.sink!, "out");
    const file = await sink.create("t.part", NEVER);
    await file.write(WHOLE.subarray(0, 100_000), 0);
    await file.sync();
    await file.write(WHOLE.subarray(100_000, 200_000), 100_000);
    harness.network.cut();
    const options = { name: "out", replace: false, mtimeMs: null, mode: null };
    const error = await assertFails(() => sink.publish(file, options), "unreachable", "publish");
    assert.ok(error.retryable);
    const again = await sink.reopen("t.part", NEVER);
    const kept = await again!.size();
    assert.ok(kept >= 100_000, `${kept} bytes`);
    await again!.truncate(100_000);
    await again!.write(WHOLE.subarray(100_000), 100_000);
    await sink.publish(again!, options);
    assertBytes(harness.server.files.files.get("/data/out")!.bytes, WHOLE, "the resumed file");
    await sink.close();
  }));

Deno.test("ftps: a server that wants the very TLS session gets a session for each upload, once that is known", async () => {
  const harness = paperHarness({ tls: true, uploadsPerSession: 2 }, {}, "ftps");
  await harness.run!(async () => {
    const outcomes: string[] = [];
    for (let index = 0; index < 8; index += 1) {
      const sink = sinkOf(harness, harness.sink!, `out${index}`);
      const file = await sink.create(`t${index}.part`, NEVER);
      try {
        await file.write(WHOLE.subarray(0, 1_000), 0);
        const options = { name: `out${index}`, replace: false, mtimeMs: null, mode: null };
        await sink.publish(file, options);
        outcomes.push("published");
      } catch (thrown) {
        assert.ok(thrown instanceof ProtocolError && thrown.retryable, String(thrown));
        outcomes.push(thrown.code);
      }
      await sink.close();
    }
    assert.deepEqual(outcomes, ["published", "published", "tls", ...Array(5).fill("published")]);
  });
  await harness.close();
});

Deno.test("ftp: a stale writer that goes on after its file was seized makes no new one of that name", () =>
  withServer({}, async (harness) => {
    const [stale, fresh] = [1, 2].map(() => sinkOf(harness, harness.sink!, "out"));
    const file = await stale!.create("t.part", NEVER);
    await file.write(WHOLE.subarray(0, 1_000), 0);
    await file.sync();
    assert.equal(await fresh!.seize("t.part", "t.seized"), true);
    await assertFails(() => file.write(WHOLE.subarray(0, 10), 1_000), "notFound", "writing on");
    const options = { name: "out", replace: true, mtimeMs: null, mode: null };
    await assertFails(() => stale!.publish(file, options), "notFound", "publishing");
    const { files } = harness.server.files;
    assert.ok(!files.has("/data/t.part") && !files.has("/data/out"));
    assert.equal(files.get("/data/t.seized")!.bytes.length, 1_000);
    for (const sink of [stale!, fresh!]) await sink.close();
  }));
