import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import type { Disk, Env } from "../../../runtime/env/env.ts";
import { DiskError } from "../../../runtime/env/errors.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";

const SEEDS = Array.from({ length: 100 }, (_, seed) => seed);

async function writeFile(
  disk: Disk,
  path: string,
  bytes: Uint8Array,
  sync: boolean,
): Promise<void> {
  const file = await disk.open(path, { write: true, create: true });
  await file.write(bytes, 0);
  if (sync) await file.syncData();
  await file.close();
}

async function readFile(disk: Disk, path: string): Promise<Uint8Array | null> {
  const info = await disk.stat(path);
  if (info === null) return null;
  const bytes = new Uint8Array(info.size);
  const file = await disk.open(path, { read: true });
  assert.equal(await file.read(bytes, 0), bytes.length);
  return bytes;
}

const filled = (length: number, value: number) => new Uint8Array(length).fill(value);

/** `deepEqual` takes milliseconds for thousands of bytes. */
function assertBytes(actual: Uint8Array | null, expected: Uint8Array): void {
  assert.equal(actual === null ? null : Buffer.compare(actual, expected), 0);
}

/** Runs `before` on each seed, crashes, and gathers what `after` sees. */
async function afterCrash<T>(
  kind: "process" | "power",
  before: (env: SimulatedEnv) => Promise<unknown>,
  after: (env: Env) => Promise<T>,
): Promise<T[]> {
  const seen: T[] = [];
  for (const seed of SEEDS) {
    const env = simulatedEnv({ seed, writeBackRate: 0 });
    await env.world.complete(before(env));
    env.crash(kind);
    const next = env.restart();
    seen.push(await next.world.complete(after(next)));
  }
  return seen;
}

Deno.test("what was synced, data and name, survives every power loss", async () => {
  const data = filled(20_000, 7);
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/a", data, true);
    await disk.syncDirectory("/");
  }, ({ disk }) => readFile(disk, "/a"));
  for (const bytes of seen) assertBytes(bytes, data);
});

Deno.test("a process crash keeps what was written without sync", async () => {
  const data = filled(20_000, 7);
  const seen = await afterCrash(
    "process",
    ({ disk }) => writeFile(disk, "/a", data, false),
    ({ disk }) => readFile(disk, "/a"),
  );
  for (const bytes of seen) assertBytes(bytes, data);
});

Deno.test("unsynced sectors survive in any subset, lost ones are old or zero", async () => {
  const sectors = 3;
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/a", filled(4096 * sectors, 1), true);
    await disk.syncDirectory("/");
    await writeFile(disk, "/a", filled(4096 * sectors, 2), false);
  }, ({ disk }) => readFile(disk, "/a"));
  const patterns = new Set<string>();
  for (const bytes of seen) {
    assert.equal(bytes?.length, 4096 * sectors);
    const pattern = [0, 1, 2].map((sector) => bytes!.subarray(sector * 4096, sector * 4096 + 4096));
    assert.ok(pattern.every((part) => part.every((byte) => byte === part[0])), "sectors are whole");
    patterns.add(pattern.map((part) => part[0]).join(""));
  }
  assert.equal(patterns.size, 8);
});

Deno.test("a file's size may survive without its data, and its data without its name", async () => {
  const seen = await afterCrash(
    "power",
    ({ disk }) => writeFile(disk, "/a", filled(8192, 3), false),
    ({ disk }) => readFile(disk, "/a"),
  );
  assert.ok(seen.some((bytes) => bytes === null), "the name was lost");
  assert.ok(seen.some((bytes) => bytes?.length === 8192 && bytes[0] === 0), "zeros were seen");
  assert.ok(seen.some((bytes) => bytes?.length === 8192 && bytes.every((byte) => byte === 3)));
  assert.ok(seen.some((bytes) => bytes?.length === 0));
});

Deno.test("a file replaced by rename is the old or the new one, never none", async () => {
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/final", filled(10, 1), true);
    await disk.syncDirectory("/");
    await writeFile(disk, "/temp", filled(10, 2), true);
    await disk.rename("/temp", "/final");
  }, async ({ disk }) => (await readFile(disk, "/final"))?.[0]);
  assert.deepEqual(new Set(seen), new Set([1, 2]));
});

Deno.test("a rename is durable once its directory was synced", async () => {
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/temp", filled(10, 2), true);
    await disk.rename("/temp", "/final");
    await disk.syncDirectory("/");
  }, async ({ disk }) => [await disk.stat("/temp"), (await readFile(disk, "/final"))?.[0]]);
  for (const [temp, byte] of seen) assert.deepEqual([temp, byte], [null, 2]);
});

Deno.test("what a file was cut off does not come back with a later sync", async () => {
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/a", filled(12_288, 9), true);
    await disk.syncDirectory("/");
    const file = await disk.open("/a", { write: true });
    await file.truncate(0);
    await file.truncate(12_288);
    await file.sync();
  }, ({ disk }) => readFile(disk, "/a"));
  for (const bytes of seen) assertBytes(bytes, filled(12_288, 0));
});

Deno.test("a write that was not awaited is not covered by a sync", async () => {
  const seen = await afterCrash("power", async ({ disk }) => {
    await writeFile(disk, "/a", filled(10, 1), true);
    await disk.syncDirectory("/");
    const file = await disk.open("/a", { write: true });
    const write = file.write(filled(10, 2), 0);
    await file.syncData();
    await write;
  }, async ({ disk }) => (await readFile(disk, "/a"))?.[0]);
  assert.ok(seen.includes(1));
});

Deno.test("calls of a crashed process never settle, its timers never fire", async () => {
  const env = simulatedEnv({ seed: 1 });
  let settled = 0;
  const count = () => settled += 1;
  env.disk.stat("/").then(count, count);
  env.timers.after(5, count);
  env.timers.soon(count);
  env.crash("process");
  env.disk.stat("/").then(count, count);
  env.timers.after(5, count);
  await env.world.settle();
  assert.equal(settled, 0);
});

Deno.test("a call cut by a crash happened or not", async () => {
  const outcomes = new Set<boolean>();
  for (const seed of SEEDS) {
    const env = simulatedEnv({ seed });
    void env.disk.makeDirectory("/d");
    env.crash("process");
    const next = env.restart();
    outcomes.add(await next.world.complete(next.disk.stat("/d")) !== null);
  }
  assert.equal(outcomes.size, 2);
});

Deno.test("after a failed sync reads give either version and a later sync saves nothing", async () => {
  const [read, left] = [new Set<number>(), new Set<number>()];
  for (const seed of SEEDS) {
    const env = simulatedEnv({ seed, writeBackRate: 0 });
    const { disk } = env;
    await env.world.complete((async () => {
      await writeFile(disk, "/a", filled(10, 1), true);
      await disk.syncDirectory("/");
      const file = await disk.open("/a", { write: true });
      await file.write(filled(10, 2), 0);
      env.machine.faults.syncErrorRate = 1;
      await assert.rejects(file.syncData(), (error) => error instanceof DiskError);
      env.machine.faults.syncErrorRate = 0;
      await file.syncData();
      read.add((await readFile(disk, "/a"))![0]!);
    })());
    env.crash("power");
    const next = env.restart();
    left.add((await next.world.complete(readFile(next.disk, "/a")))![0]!);
  }
  assert.deepEqual([read.size, left.size], [2, 2]);
});

Deno.test("a full disk takes what fits and says noSpace", async () => {
  const env = simulatedEnv({ seed: 1, capacityBytes: 1_000 });
  await env.world.complete((async () => {
    await writeFile(env.disk, "/a", filled(600, 1), true);
    const isFull = (error: unknown) => error instanceof DiskError && error.code === "noSpace";
    await assert.rejects(writeFile(env.disk, "/b", filled(600, 1), true), isFull);
    assert.equal((await env.disk.stat("/b"))?.size, 400);
    await env.disk.remove("/a");
    await writeFile(env.disk, "/b", filled(600, 1), true);
  })());
});

Deno.test("a lock and an open store of a crashed process are free for the next", async () => {
  const env = simulatedEnv({ seed: 1 });
  const opening = Promise.all([env.disk.tryLock("/lock"), env.kv.open("/kv")]);
  assert.notEqual((await env.world.complete(opening))[0], null);
  env.crash("process");
  const next = env.restart();
  assert.notEqual(await next.world.complete(next.disk.tryLock("/lock")), null);
  await next.world.complete(next.kv.open("/kv"));
});

Deno.test("a commit that resolved survives, one cut by a crash is there or not, whole", async () => {
  const outcomes = new Set<string>();
  for (const seed of SEEDS) {
    const env = simulatedEnv({ seed });
    const store = await env.world.complete(env.kv.open("/kv"));
    await env.world.complete(store.commit([{ type: "set", key: ["a"], value: 1 }]));
    void store.commit([
      { type: "set", key: ["b"], value: 1 },
      { type: "set", key: ["c"], value: 1 },
    ]);
    env.crash("power");
    const next = env.restart();
    const again = await next.world.complete(next.kv.open("/kv"));
    const there: boolean[] = [];
    for (const name of ["a", "b", "c"]) {
      there.push(await next.world.complete(again.get([name])) !== null);
    }
    outcomes.add(there.join());
  }
  assert.deepEqual([...outcomes].sort(), ["true,false,false", "true,true,true"]);
});

Deno.test("flipped bits are seen by readers", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete(writeFile(env.disk, "/a", filled(10, 0), true));
  env.machine.flipBit("/a", 3, 1);
  assert.equal((await env.world.complete(readFile(env.disk, "/a")))![3], 2);
  env.machine.faults.readFlipRate = 1;
  const bytes = (await env.world.complete(readFile(env.disk, "/a")))!;
  assert.notDeepEqual(bytes, Uint8Array.of(0, 0, 0, 2, 0, 0, 0, 0, 0, 0));
});
