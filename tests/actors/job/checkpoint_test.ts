import assert from "node:assert/strict";
import { type CheckpointStore, checkpointStore } from "../../../actors/job/checkpoint.ts";
import { ChunkDigests } from "../../../actors/job/digests.ts";
import { realEnv } from "../../../runtime/env/real.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";

const FINGERPRINT = { size: 10, mtimeMs: 5, etag: null, version: "1:2" };
/** Two pages and a bit. */
const MANY = 2 * 1_024 + 17;

function digests(count: number, salt = 1): ChunkDigests {
  const table = new ChunkDigests();
  for (let chunk = 0; chunk < count; chunk++) {
    table.set(chunk, (chunk * 7 + salt).toString(16).padStart(64, "a"));
  }
  return table;
}

function checkpoint(count: number, salt = 1) {
  const table = digests(count, salt);
  const lease = { epoch: 1, group: 0, index: salt };
  return { lease, temp: `.t${salt}`, fingerprint: FINGERPRINT, chunkBytes: 8, digests: table };
}

async function behaves(store: CheckpointStore): Promise<void> {
  assert.equal(await store.load("a"), null);
  for (const count of [1, 1_023, 1_024, 1_025, MANY]) {
    await store.save("a", checkpoint(count), 0);
    const loaded = await store.load("a");
    assert.deepEqual(loaded?.digests.bytes(), digests(count).bytes(), `${count} chunks`);
    assert.deepEqual([loaded?.temp, loaded?.fingerprint], [".t1", FINGERPRINT]);
  }
  assert.deepEqual(await store.leases(), [
    { jobId: "a", lease: { epoch: 1, group: 0, index: 1 } },
  ]);
  await store.save("grown", checkpoint(1_000), 0);
  await store.save("grown", checkpoint(MANY), 1_000);
  assert.deepEqual((await store.load("grown"))?.digests.bytes(), digests(MANY).bytes());
  await store.save("a", checkpoint(3, 2), 0);
  const shorter = await store.load("a");
  assert.deepEqual(shorter?.digests.bytes(), digests(3, 2).bytes(), "old pages are not mixed in");
  assert.equal(shorter?.digests.count, 3);
  await store.drop("a");
  assert.equal(await store.load("a"), null);
  assert.equal((await store.load("grown"))?.digests.count, MANY, "other jobs keep theirs");
  await store.drop("nobody");
  await store.close();
}

Deno.test("checkpoints of any number of chunks come back as they were (simulated keys)", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete(behaves(checkpointStore(() => env.kv.open("/state.kv"))));
});

Deno.test("checkpoints of any number of chunks come back as they were (Deno KV)", async () => {
  const env = realEnv();
  const folder = await Deno.makeTempDir();
  try {
    await behaves(checkpointStore(() => env.kv.open(`${folder}/state.kv`)));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a store that nobody needs is never opened", async () => {
  let opened = 0;
  const store = checkpointStore(() => {
    opened += 1;
    return Promise.reject(new Error("not today"));
  });
  await store.close();
  assert.equal(opened, 0);
});

Deno.test("a checkpoint that another version wrote is none", async () => {
  const env = simulatedEnv({ seed: 1 });
  await env.world.complete((async () => {
    const kv = await env.kv.open("/state.kv");
    await kv.commit([{ type: "set", key: ["checkpoint", "a"], value: { version: 9 } }]);
    await kv.close();
    const store = checkpointStore(() => env.kv.open("/state.kv"));
    assert.equal(await store.load("a"), null);
    await store.close();
  })());
});
