import assert from "node:assert/strict";
import { NetError } from "../../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { SeededRandom } from "../../../runtime/sim/random.ts";
import { SimError } from "../../../runtime/sim/sim_error.ts";

/** Some concurrent work whose order depends on the delays; gives the trace's hash. */
async function busy(seed: number): Promise<string> {
  const env = simulatedEnv({ seed });
  const store = await env.world.complete(env.kv.open("/kv"));
  const workers = Array.from({ length: 5 }, async (_, number) => {
    for (let round = 0; round < 5; round += 1) {
      const file = await env.disk.open(`/${number}`, { write: true, create: true });
      await file.write(env.random.bytes(100), round * 100);
      await file.syncData();
      await store.commit([{ type: "set", key: ["last"], value: number }]);
      await new Promise<void>((resolve) => env.timers.after(env.random.next() * 3, resolve));
    }
  });
  await env.world.complete(Promise.all(workers));
  env.world.note(String((await env.world.complete(store.get(["last"])))?.value));
  return env.world.traceHash();
}

Deno.test("a seed alone gives the same trace as that seed after fifty others", async () => {
  const alone = await busy(7);
  const hashes = new Set<string>([alone]);
  for (let seed = 100; seed < 150; seed += 1) hashes.add(await busy(seed));
  assert.equal(hashes.size, 51, "seeds differ");
  assert.equal(await busy(7), alone);
});

Deno.test("random streams are uniform, repeat for a seed and a name, and differ otherwise", () => {
  const random = new SeededRandom(1, "reference");
  const values = Array.from({ length: 10_000 }, () => random.next());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  assert.ok(Math.abs(mean - 0.5) < 0.02);
  assert.deepEqual(
    Array.from({ length: 5 }, () => new SeededRandom(5, "a").uint32()),
    Array.from({ length: 5 }, () => new SeededRandom(5, "a").uint32()),
  );
  assert.notEqual(new SeededRandom(5, "a").uint32(), new SeededRandom(5, "b").uint32());
  assert.notEqual(new SeededRandom(5).uint32(), new SeededRandom(5 + 2 ** 32).uint32());
});

Deno.test("run moves the clocks to its time and no further", async () => {
  const env = simulatedEnv({ seed: 1 });
  const fired: number[] = [];
  for (const ms of [10, 20, 30]) env.timers.after(ms, () => fired.push(env.clock.monotonic()));
  const began = env.clock.now();
  await env.world.run(20);
  assert.deepEqual(fired, [10, 20]);
  assert.equal(env.clock.now() - began, 20);
  await env.world.pass(1_000_000);
  assert.deepEqual(fired, [10, 20, 30]);
  assert.equal(env.clock.monotonic(), 1_000_020);
});

Deno.test("time moves only when every microtask has run", async () => {
  const env = simulatedEnv({ seed: 1 });
  let seenAt = -1;
  env.timers.after(5, async () => {
    for (let count = 0; count < 10_000; count += 1) await null;
    seenAt = env.clock.monotonic();
  });
  env.timers.after(6, () => {});
  await env.world.settle();
  assert.equal(seenAt, 5);
});

Deno.test("work that nothing can settle is an error with the seed", async () => {
  const env = simulatedEnv({ seed: 42 });
  await assert.rejects(
    env.world.complete(new Promise(() => {})),
    (error) => error instanceof SimError && error.code === "stuck" && /seed 42/.test(error.message),
  );
});

async function get(env: SimulatedEnv, url: string, signal: AbortSignal): Promise<string> {
  const response = await env.net.request({ method: "GET", url, headers: {}, signal });
  let text = `${response.status} ${response.headers.get("etag")} `;
  const into = new Uint8Array(4);
  for (;;) {
    const count = await response.body.read(into);
    if (count === 0) return text;
    text += new TextDecoder().decode(into.subarray(0, count));
  }
}

Deno.test("hosts answer in virtual time, break where told, and can be aborted", async () => {
  const env = simulatedEnv({ seed: 1 });
  const body = new TextEncoder().encode("hello world");
  env.world.serve("files.test", (request) => ({
    status: 200,
    headers: { ETag: '"1"' },
    body,
    ...(request.url.endsWith("/slow") ? { delayMs: 60_000 } : {}),
    ...(request.url.endsWith("/cut") ? { cutAfterBytes: 5 } : {}),
  }));
  const never = new AbortController().signal;
  const { world } = env;
  assert.equal(await world.complete(get(env, "http://files.test/a", never)), '200 "1" hello world');
  const before = env.clock.monotonic();
  await world.complete(get(env, "http://files.test/slow", never));
  assert.ok(env.clock.monotonic() - before >= 60_000);
  const hasCode = (code: string) => (error: unknown) =>
    error instanceof NetError && error.code === code;
  await assert.rejects(world.complete(get(env, "http://files.test/cut", never)), hasCode("reset"));
  await assert.rejects(world.complete(get(env, "http://other.test/", never)), hasCode("refused"));
  const controller = new AbortController();
  env.timers.after(10, () => controller.abort(new Error("enough")));
  const slow = get(env, "http://files.test/slow", controller.signal);
  await assert.rejects(world.complete(slow), hasCode("aborted"));
});
