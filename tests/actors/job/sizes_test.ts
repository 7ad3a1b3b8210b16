import assert from "node:assert/strict";
import { CHUNK, Rig, sha256, SLOT, withParts } from "./rig.ts";

const SIZES = [
  0,
  1,
  SLOT - 1,
  SLOT,
  SLOT + 1,
  CHUNK - 1,
  CHUNK,
  CHUNK + 1,
  3 * CHUNK - 1,
  3 * CHUNK,
  5 * CHUNK + 777,
];

for (const to of ["file", "memory"] as const) {
  for (const parallelRanges of [1, 3]) {
    Deno.test(`files of every size arrive whole (to ${to}, ${parallelRanges} ranges)`, async () => {
      for (const size of SIZES) {
        const rig = new Rig({
          to,
          seed: size + 1,
          spec: withParts({ pipeline: { parallelRanges } }),
        });
        const bytes = rig.put(size);
        const job = await rig.attempt();
        assert.equal(job.state, "succeeded", `${size}: ${job.why}`);
        assert.deepEqual(await rig.published(), bytes, `${size} bytes`);
        const receipt = job.receipt!;
        assert.equal(receipt.sha256, sha256(bytes));
        assert.equal(receipt.bytes, size);
        assert.equal(receipt.level, "size");
        assert.equal(receipt.fetchedBytes + receipt.keptBytes, size);
        assert.deepEqual(await rig.temporaries(), []);
      }
    });
  }
}

Deno.test("the receipt's root does not depend on how the bytes were fetched", async () => {
  const roots = new Set<string | null>();
  for (const parallelRanges of [1, 2, 5]) {
    const rig = new Rig({ spec: withParts({ pipeline: { parallelRanges } }) });
    rig.put(5 * CHUNK + 3);
    roots.add((await rig.attempt()).receipt!.root);
  }
  assert.equal(roots.size, 1);
});

Deno.test("ranges that complete in any order give the right hash", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const rig = new Rig({ seed, spec: withParts({ pipeline: { parallelRanges: 4 } }) });
    const pace = rig.env.world.random.stream("pace");
    const slow = new Rig({
      seed,
      spec: withParts({ pipeline: { parallelRanges: 4, windowBytes: SLOT * (1 + seed % 6) } }),
      store: { delayMs: () => [pace.next() * 20, pace.next() * 20] },
    });
    const bytes = slow.put(9 * CHUNK + 5 * seed);
    const job = await slow.attempt();
    assert.equal(job.receipt?.sha256, sha256(bytes), `seed ${seed}: ${job.why}`);
    assert.deepEqual(await slow.published(), bytes);
  }
});

Deno.test("chunks that are no whole number of buffers arrive whole", async () => {
  for (const chunkBytes of [SLOT - 24, SLOT + 1, 3 * SLOT - 7, 100]) {
    for (const parallelRanges of [1, 3]) {
      const rig = new Rig({ spec: withParts({ pipeline: { chunkBytes, parallelRanges } }) });
      const bytes = rig.put(3 * CHUNK + 11);
      assert.equal((await rig.attempt()).receipt?.sha256, sha256(bytes), `${chunkBytes}`);
    }
  }
});

Deno.test("a source that announces no size arrives whole, and the level is none", async () => {
  for (const size of SIZES) {
    const rig = new Rig();
    const bytes = rig.put(size);
    rig.source.setFaults("/from", { noLength: true });
    const job = await rig.attempt();
    assert.equal(job.receipt?.sha256, sha256(bytes), `${size}: ${job.why}`);
    assert.equal(job.receipt?.level, "none");
  }
});

Deno.test("a transfer that is not hashed arrives whole and claims no hash", async () => {
  for (const size of [0, SLOT, 3 * CHUNK + 1]) {
    for (const parallelRanges of [1, 3]) {
      const rig = new Rig({ spec: withParts({ pipeline: { hash: false, parallelRanges } }) });
      const bytes = rig.put(size);
      const job = await rig.attempt();
      assert.deepEqual(await rig.published(), bytes);
      assert.deepEqual([job.receipt?.sha256, job.receipt?.root], [null, null]);
    }
  }
});
