import assert from "node:assert/strict";
import type { TransferProtocol } from "../../../protocols/contract.ts";
import { limited, type TransferLimits } from "../../../protocols/wrappers/limit.ts";
import {
  assertFails,
  fetched,
  NEVER,
  patterned,
  sinkOf,
  sourceOf,
} from "../../conformance/case.ts";
import type { Harness } from "../../conformance/harness.ts";
import { memoryHarness } from "../memory/harness.ts";

const WHOLE = { start: 0, end: null };

function limitedHarness(limits: Partial<TransferLimits>): Harness & { nowMs(): number } {
  const harness = memoryHarness({});
  const { env } = harness.context;
  const bounds = { bytesPerSecond: null, maxConcurrent: null, ...limits };
  const protocol: TransferProtocol = limited(harness.protocol, bounds, env);
  return { ...harness, protocol, nowMs: () => env.clock.monotonic() };
}

/** Runs in virtual time; gives the milliseconds that it took. */
async function took(harness: Harness & { nowMs(): number }, body: () => Promise<void>) {
  let ms = 0;
  await harness.run!(async () => {
    const startedMs = harness.nowMs();
    await body();
    ms = harness.nowMs() - startedMs;
  });
  return ms;
}

Deno.test("limited() keeps the average of reads near bytesPerSecond", async () => {
  const harness = limitedHarness({ bytesPerSecond: 100_000 });
  await harness.source!.put("a", patterned(1_000_000));
  const ms = await took(harness, async () => {
    await fetched(sourceOf(harness, harness.source!, "a"));
  });
  assert.ok(ms > 9_500 && ms < 10_200, `1 MB at 100 kB/s took ${ms} ms`);
});

Deno.test("limited() shares one rate among all readers and writers", async () => {
  const harness = limitedHarness({ bytesPerSecond: 100_000 });
  for (const name of ["a", "b"]) await harness.source!.put(name, patterned(300_000));
  const ms = await took(harness, async () => {
    const writing = async () => {
      const sink = sinkOf(harness, harness.sink!, "c");
      const file = await sink.create("t", NEVER);
      for (let at = 0; at < 300_000; at += 10_000) await file.write(patterned(10_000), at);
      await file.close();
    };
    const reading = (name: string) => fetched(sourceOf(harness, harness.source!, name));
    await Promise.all([reading("a"), reading("b"), writing()]);
  });
  assert.ok(ms > 8_300 && ms < 9_300, `900 kB at 100 kB/s took ${ms} ms`);
});

Deno.test("limited() keeps no more than one burst of a quiet time", async () => {
  const harness = limitedHarness({ bytesPerSecond: 100_000 });
  await harness.source!.put("a", patterned(200_000));
  const ms = await took(harness, async () => {
    const { timers } = harness.context.env;
    await new Promise<void>((resolve) => timers.after(60_000, resolve));
    await fetched(sourceOf(harness, harness.source!, "a"));
  });
  assert.ok(ms > 61_600, `200 kB at 100 kB/s took ${ms - 60_000} ms after a minute`);
});

for (const end of ["abort", "close"]) {
  Deno.test(`limited() stops waiting for bandwidth on ${end}`, async () => {
    const harness = limitedHarness({ bytesPerSecond: 10 });
    await harness.source!.put("a", patterned(100_000));
    const ms = await took(harness, async () => {
      const abort = new AbortController();
      const source = sourceOf(harness, harness.source!, "a");
      const reader = await source.open(WHOLE, null, abort.signal);
      await reader.read(new Uint8Array(50_000));
      const waiting = assertFails(() => reader.read(new Uint8Array(1)), "aborted", "the wait");
      if (end === "abort") abort.abort();
      else await reader.close();
      await waiting;
      await reader.close();
    });
    assert.ok(ms < 10, `it took ${ms} ms`);
  });
}

Deno.test("limited() stops a write that waits for bandwidth when its file is closed", async () => {
  const harness = limitedHarness({ bytesPerSecond: 10 });
  await harness.run!(async () => {
    const file = await sinkOf(harness, harness.sink!, "c").create("t", NEVER);
    await file.write(patterned(1_000), 0);
    const waiting = assertFails(() => file.write(patterned(1), 1_000), "aborted", "the wait");
    await file.close();
    await waiting;
  });
});

Deno.test("limited() lets maxConcurrent readers be open and the others wait in order", async () => {
  const harness = limitedHarness({ maxConcurrent: 2 });
  await harness.source!.put("a", patterned(10));
  await harness.run!(async () => {
    const source = sourceOf(harness, harness.source!, "a");
    const order: number[] = [];
    const opening = [0, 1, 2, 3].map(async (index) => {
      const reader = await source.open(WHOLE, null, NEVER);
      order.push(index);
      return reader;
    });
    const first = await opening[0]!;
    await opening[1];
    assert.deepEqual(order, [0, 1]);
    await first.close();
    await first.close();
    await opening[2];
    assert.deepEqual(order, [0, 1, 2]);
    await (await opening[1])!.close();
    await opening[3];
    assert.deepEqual(order, [0, 1, 2, 3]);
  });
});

Deno.test("limited() gives a place back when opening fails, and forgets who gave up", async () => {
  const harness = limitedHarness({ maxConcurrent: 1 });
  await harness.source!.put("a", patterned(10));
  await harness.run!(async () => {
    const absent = sourceOf(harness, harness.source!, "absent");
    await assertFails(() => absent.open(WHOLE, null, NEVER), "notFound", "open");
    const source = sourceOf(harness, harness.source!, "a");
    const reader = await source.open(WHOLE, null, NEVER);
    const abort = new AbortController();
    const opening = () => source.open(WHOLE, null, abort.signal);
    const waiting = assertFails(opening, "aborted", "the wait");
    abort.abort();
    await waiting;
    await reader.close();
    await (await source.open(WHOLE, null, NEVER)).close();
    const sink = sinkOf(harness, harness.sink!, "c");
    assert.equal(await sink.reopen("t", NEVER), null);
    const file = await sink.create("t", NEVER);
    await sink.publish(file, { name: "c", replace: true, mtimeMs: null, mode: null });
    await (await sink.create("t", NEVER)).close();
  });
});

Deno.test("limited() counts readers and files apart, so a copy within one protocol goes on", async () => {
  const harness = limitedHarness({ maxConcurrent: 1 });
  await harness.source!.put("a", patterned(10));
  await harness.run!(async () => {
    const reader = await sourceOf(harness, harness.source!, "a").open(WHOLE, null, NEVER);
    const file = await sinkOf(harness, harness.sink!, "b").create("t", NEVER);
    await file.close();
    await reader.close();
  });
});
