import assert from "node:assert/strict";
import type { SourceReader } from "../../../protocols/contract.ts";
import { plainEndpoint } from "../../../protocols/endpoint.ts";
import { memoryProtocol, memoryUriOf } from "../../../protocols/memory/protocol.ts";
import { MemoryStore } from "../../../protocols/memory/store.ts";
import { type Throttle, throttledSource, Throttles } from "../../../protocols/wrappers/throttle.ts";
import type { Env } from "../../../runtime/env/env.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { World } from "../../../runtime/sim/world.ts";
import { assertFails, NEVER, patterned, readToEnd } from "../../conformance/case.ts";
import { conformance } from "../../conformance/suite.ts";
import { memoryHarness } from "../memory/harness.ts";

const MB = 1_000_000;

conformance("memory, throttled", () => {
  const harness = memoryHarness({});
  const throttles = new Throttles(harness.context.env);
  throttles.set(() => 100 * MB);
  const { source } = harness.protocol;
  return Promise.resolve({
    ...harness,
    protocol: {
      ...harness.protocol,
      source: (endpoint, context) =>
        throttledSource(source!(endpoint, context), throttles.of(["all"])),
    },
  });
});

function set(throttles: Throttles, rates: Readonly<Record<string, number>>): void {
  throttles.set((name) => rates[name]);
}

interface Rig {
  readonly env: Env;
  readonly throttles: Throttles;
  /** Opens a file of so many bytes, held to these names. */
  open(bytes: number, ...names: string[]): Promise<SourceReader>;
  store(bytes: number, throttle: Throttle): Promise<{ reader: SourceReader }>;
}

async function within(body: (rig: Rig) => Promise<void>): Promise<void> {
  const world = new World(3);
  const store = new MemoryStore(simulatedEnv({ seed: 3, world, name: "store" }), {});
  const env = simulatedEnv({ seed: 3, world, name: "client" });
  const protocol = memoryProtocol(store);
  const throttles = new Throttles(env);
  let files = 0;
  const opened = async (bytes: number, throttle: Throttle) => {
    const path = `/f${files++}`;
    store.put(path, patterned(bytes));
    const source = protocol.source!(plainEndpoint(memoryUriOf(path)), { env });
    const held = throttledSource(source, throttle);
    return { reader: await held.open({ start: 0, end: null }, null, NEVER) };
  };
  const open = async (bytes: number, ...names: string[]) =>
    (await opened(bytes, throttles.of(names))).reader;
  await world.complete(body({ env, throttles, open, store: opened }));
}

async function secondsFor(env: Env, work: Promise<unknown>): Promise<number> {
  const beganMs = env.clock.monotonic();
  await work;
  return (env.clock.monotonic() - beganMs) / 1_000;
}

Deno.test("readers share a rate by its name, and the narrowest of their rates holds", () =>
  within(async ({ env, throttles, open }) => {
    set(throttles, { tenant: 2 * MB, job: MB / 2 });
    const [a, b] = [await open(4 * MB, "tenant"), await open(4 * MB, "tenant", "other")];
    const together = await secondsFor(env, Promise.all([readToEnd(a, MB), readToEnd(b, MB)]));
    assert.ok(together > 3.7 && together < 4.2, `8 MB at 2 MB/s in ${together} s`);
    const c = await open(MB, "tenant", "job");
    const alone = await secondsFor(env, readToEnd(c, MB));
    assert.ok(alone > 1.7 && alone < 2.2, `1 MB at 0.5 MB/s in ${alone} s`);
  }));

Deno.test("a rate that changes holds at once, for those that wait too", () =>
  within(async ({ env, throttles, open }) => {
    set(throttles, { agent: 2_000 });
    const reader = await open(MB, "agent");
    await reader.read(new Uint8Array(16_384));
    const rest = secondsFor(env, readToEnd(reader, MB));
    env.timers.after(1_000, () => set(throttles, { agent: MB }));
    const seconds = await rest;
    assert.ok(seconds > 1.8 && seconds < 2.3, `a second at 2 kB/s, then 1 MB/s: ${seconds} s`);
  }));

Deno.test("a rate that is taken away frees those that wait", () =>
  within(async ({ env, throttles, open }) => {
    set(throttles, { agent: 1_024 });
    const reader = await open(MB, "agent");
    await reader.read(new Uint8Array(16_384));
    const rest = secondsFor(env, readToEnd(reader, MB));
    env.timers.after(500, () => set(throttles, {}));
    assert.ok(await rest < 0.6);
  }));

Deno.test("what transfers declare of a name holds for all that use it, unless something else is said", () =>
  within(async ({ env, throttles, store }) => {
    const declared = throttles.of(["job/1"], () => MB);
    const open = async (bytes: number) => (await store(bytes, declared)).reader;
    const [a, b] = [await open(MB), await open(MB)];
    const together = await secondsFor(env, Promise.all([readToEnd(a, MB), readToEnd(b, MB)]));
    assert.ok(together > 1.7 && together < 2.2, `2 MB at 1 MB/s in ${together} s`);
    set(throttles, { "job/1": 10 * MB });
    assert.ok(await secondsFor(env, readToEnd(await open(MB), MB)) < 0.2);
    set(throttles, {});
    const again = await secondsFor(env, readToEnd(await open(MB), MB));
    assert.ok(again > 0.7 && again < 1.2, `1 MB at 1 MB/s in ${again} s`);
  }));

Deno.test("a reader that is closed waits no longer", () =>
  within(async ({ throttles, open }) => {
    set(throttles, { agent: 1_024 });
    const reader = await open(MB, "agent");
    await reader.read(new Uint8Array(16_384));
    const waiting = assertFails(() => reader.read(new Uint8Array(10)), "aborted", "the read");
    await reader.close();
    await waiting;
  }));
