/** The archive of one controller: what it has taken in is there, whole, after anything. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Part } from "../../../actors/archive/order.ts";
import { ArchiveStore, type JobQuery, type RunQuery } from "../../../actors/archive/store.ts";
import type { ArchivedSummary, IndexedJob } from "../../../actors/archive/summary.ts";
import type { ArchivedRun } from "../../../actors/controller/state.ts";
import { type SimulatedEnv, simulatedEnv } from "../../../runtime/sim/env.ts";
import { textOf } from "../controller/controllers.ts";
import { emptyPlan } from "../plans.ts";
import { type Cut, endedRun, Log } from "./ended_runs.ts";

const FOLDER = "/archive";
const ALL = { tenants: null, after: null, first: 1, limit: 100, isWanted: () => true };
const ALL_JOBS: JobQuery = { ...ALL, runId: null, hasLabels: null };

// deno-lint-ignore require-yield
async function* nothing(): AsyncIterable<Uint8Array> {
  throw new Error("nobody is asked");
}

/** Two tenants, seven runs, three segments. */
async function threeCuts(env: SimulatedEnv): Promise<Cut[]> {
  const log = new Log();
  for (const id of ["a1", "a2", "a3", "a4"]) log.apply(...endedRun(id, 2, "acme"));
  for (const id of ["b1", "b2"]) log.apply(...endedRun(id, 1, "other"));
  log.apply({
    type: "createRun",
    runId: "a5",
    tenant: "acme",
    plan: log.state.runs.get("a1")!.plan,
  });
  log.apply({ type: "endRun", runId: "a5", outcome: "failed", why: "nothing was to be done" });
  return [
    await log.cut(env, "a1", "b1"),
    await log.cut(env, "a2", "a3"),
    await log.cut(env, "a4", "b2", "a5"),
  ];
}

/** In virtual time. */
function done<T>(env: SimulatedEnv, work: Promise<T>): Promise<T> {
  return env.world.complete(work);
}

async function filled(env: SimulatedEnv, cuts: readonly Cut[]): Promise<ArchiveStore> {
  const store = await done(env, ArchiveStore.open(env, FOLDER));
  for (const { record, rows } of cuts) await done(env, store.take(record, rows, nothing));
  return store;
}

function rowText(row: ArchivedRun | null): string {
  return textOf(row as never);
}

/** All pages of a list. */
async function paged<T>(
  env: SimulatedEnv,
  page: (after: Part<T>["through"]) => Promise<Part<T>>,
): Promise<T[]> {
  const found: T[] = [];
  for (let after: Part<T>["through"] = null;;) {
    const part: Part<T> = await done(env, page(after));
    found.push(...part.items.map(({ item }) => item));
    if (part.through === null) return found;
    after = part.through;
  }
}

function pages(
  env: SimulatedEnv,
  store: ArchiveStore,
  query: Partial<RunQuery>,
): Promise<ArchivedSummary[]> {
  return paged(env, (after) => store.runs({ ...ALL, ...query, after }));
}

async function jobPages(
  env: SimulatedEnv,
  store: ArchiveStore,
  query: Partial<JobQuery>,
): Promise<string[]> {
  const jobs: IndexedJob[] = await paged(
    env,
    (after) => store.jobs({ ...ALL_JOBS, ...query, after }),
  );
  return jobs.map(({ jobId }) => jobId);
}

const idsOf = (runs: readonly ArchivedSummary[]) => runs.map(({ runId }) => runId);

Deno.test("a run comes back as it was archived, with its jobs", async () => {
  const env = simulatedEnv({ seed: 1 });
  const cuts = await threeCuts(env);
  const store = await filled(env, cuts);
  for (const row of cuts.flatMap(({ rows }) => rows)) {
    assert.equal(rowText(await done(env, store.get(row.run.id))), rowText(row));
  }
  assert.equal((await done(env, store.getByJob("a2-1")))?.run.id, "a2");
  assert.equal(await done(env, store.getByJob("none")), null);
  assert.equal(await done(env, store.get("none")), null);
  await done(env, store.close());
});

Deno.test("runs are found by tenant and state, the newest first, page by page", async () => {
  const env = simulatedEnv({ seed: 2 });
  const store = await filled(env, await threeCuts(env));
  assert.deepEqual(idsOf(await pages(env, store, {})), ["a5", "b2", "b1", "a4", "a3", "a2", "a1"]);
  for (const limit of [1, 2, 3]) {
    const own = await pages(env, store, { tenants: ["acme"], limit });
    assert.deepEqual(idsOf(own), ["a5", "a4", "a3", "a2", "a1"]);
    const both = await pages(env, store, { tenants: ["other", "acme"], limit });
    assert.deepEqual(idsOf(both), ["a5", "b2", "b1", "a4", "a3", "a2", "a1"]);
  }
  assert.deepEqual(idsOf(await pages(env, store, { tenants: ["other"] })), ["b2", "b1"]);
  const failed = { isWanted: (run: ArchivedSummary) => run.state === "failed", limit: 1 };
  assert.deepEqual(idsOf(await pages(env, store, failed)), ["a5"]);
  assert.deepEqual(idsOf(await pages(env, store, { tenants: ["nobody"] })), []);
  assert.deepEqual(idsOf(await pages(env, store, { first: 3 })), ["a5", "b2", "a4"]);
  const [, , , a4] = await pages(env, store, {});
  assert.deepEqual(a4!.transfers, { cancelled: 2, skipped: 1 });
  assert.deepEqual(a4!.skipped, [{ name: "late", why: "not wanted", failed: false }]);
  await done(env, store.close());
});

Deno.test("jobs are found by run, tenant and the labels of their run, page by page", async () => {
  const env = simulatedEnv({ seed: 2 });
  const store = await filled(env, await threeCuts(env));
  const all = ["b2-0", "b1-0", "a4-0", "a4-1", "a3-0", "a3-1", "a2-0", "a2-1", "a1-0", "a1-1"];
  for (const limit of [1, 3, 100]) {
    assert.deepEqual(await jobPages(env, store, { limit }), all);
    assert.deepEqual(await jobPages(env, store, { runId: "a3", limit }), ["a3-0", "a3-1"]);
    assert.deepEqual(await jobPages(env, store, { tenants: ["other"], limit }), ["b2-0", "b1-0"]);
  }
  assert.deepEqual(await jobPages(env, store, { runId: "a5" }), []);
  assert.deepEqual(await jobPages(env, store, { runId: "none" }), []);
  assert.deepEqual(await jobPages(env, store, { hasLabels: () => false }), []);
  const [first] = (await done(env, store.jobs({ ...ALL_JOBS, runId: "a2" }))).items;
  assert.equal((await done(env, store.job(first!.item)))?.id, "a2-0");
  await done(env, store.close());
});

Deno.test("what is too long for the index is read from the segment: labels and skipped transfers are whole", async () => {
  const env = simulatedEnv({ seed: 8 });
  const log = new Log();
  const labels = { tier: "gold", note: "x".repeat(30_000) };
  const plan = { ...emptyPlan(), labels };
  const skipped = Array.from({ length: 400 }, (_, n) => ({
    name: `late-${String(n).padStart(3, "0")}`,
    why: `the ${n}th was not wanted, as it seems`,
    failed: n % 2 === 0,
  }));
  log.apply(
    { type: "createRun", runId: "long", tenant: "acme", plan },
    { type: "submitJobs", runId: "long", jobs: [], skipped },
    { type: "endRun", runId: "long", outcome: "failed", why: "y".repeat(5_000) },
  );
  const store = await filled(env, [await log.cut(env, "long")]);
  const [run] = await pages(env, store, { isWanted: (one) => one.labels.tier === "gold" });
  assert.equal(run?.runId, "long");
  assert.deepEqual(run?.labels, labels);
  assert.equal(run?.skipped.length, 400);
  assert.deepEqual(run?.transfers, { failed: 200, skipped: 200 });
  assert.equal(run?.why.length, 5_000);
  assert.deepEqual(await done(env, store.labels("long")), labels);
  await done(env, store.close());
});

Deno.test("an index of an earlier format is made anew from the segments", async () => {
  const env = simulatedEnv({ seed: 9 });
  const cuts = await threeCuts(env);
  const store = await filled(env, cuts);
  const before = await pages(env, store, {});
  await done(env, store.close());
  const kv = await done(env, env.kv.open(`${FOLDER}/index.kv`));
  await done(env, kv.commit([{ type: "delete", key: ["format"] }]));
  await done(env, kv.close());
  const again = await done(env, ArchiveStore.open(env, FOLDER));
  for (const { record } of cuts) {
    assert.equal(again.holds(record), false);
    await done(env, again.take(record, undefined, nothing));
  }
  assert.deepEqual(await pages(env, again, {}), before);
  await done(env, again.close());
});

Deno.test("whenever the power goes, what was acknowledged is whole and the rest can be taken again", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 10_000 }),
      fc.integer({ min: 0, max: 60 }),
      fc.constantFrom("power" as const, "process" as const),
      async (seed, afterMs, kind) => {
        const env = simulatedEnv({ seed });
        const cuts = await threeCuts(env);
        const taken: number[] = [];
        void (async () => {
          const store = await ArchiveStore.open(env, FOLDER);
          for (const { record, rows } of cuts) {
            await store.take(record, rows, nothing);
            taken.push(record.number);
          }
        })();
        await env.world.pass(afterMs);
        const acknowledged = [...taken];
        env.crash(kind);
        const next = env.restart();
        const store = await done(next, ArchiveStore.open(next, FOLDER));
        for (
          const { record } of cuts.filter(({ record: { number } }) => acknowledged.includes(number))
        ) {
          assert.ok(store.holds(record), `segment ${record.number} was acknowledged`);
        }
        assert.deepEqual(await done(next, store.verify()), []);
        for (const { record, rows } of cuts) await done(next, store.take(record, rows, nothing));
        assert.equal((await pages(next, store, {})).length, 7);
        await done(next, store.close());
      },
    ),
    { numRuns: 40 },
  );
});

Deno.test("an index made from the segments is equal to the one that was lost", async () => {
  const env = simulatedEnv({ seed: 3 });
  const cuts = await threeCuts(env);
  const store = await filled(env, cuts);
  const before = await pages(env, store, {});
  const places = await Promise.all(cuts.map(({ record }) => done(env, bytesOf(store, record))));
  await done(env, store.close());
  // The segments alone, in another folder.
  const again = await done(env, ArchiveStore.open(env, "/again"));
  for (const [at, { record }] of cuts.entries()) {
    await done(env, again.files.write(record, [places[at]!]));
    assert.equal(again.holds(record), false);
    await done(env, again.take(record, undefined, nothing));
    assert.equal(again.holds(record), true);
  }
  assert.deepEqual(await pages(env, again, {}), before);
  for (const { run } of cuts.flatMap(({ rows }) => rows)) {
    assert.ok(await done(env, again.get(run.id)) !== null);
  }
  await done(env, again.close());
});

Deno.test("a segment of many jobs is indexed in as many commits as it takes", async () => {
  const env = simulatedEnv({ seed: 7 });
  const log = new Log();
  log.apply(...endedRun("many", 1_300), ...endedRun("few", 1));
  const store = await filled(env, [await log.cut(env, "many", "few")]);
  assert.equal((await done(env, store.get("many")))?.jobs.length, 1_300);
  assert.equal((await done(env, store.getByJob("many-1299")))?.run.id, "many");
  assert.equal((await done(env, store.getByJob("few-0")))?.run.id, "few");
  await done(env, store.close());
});

Deno.test("one flipped bit anywhere is found, and the segment is taken in again", async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.integer({ min: 0, max: 7 }), async (place, bit) => {
      const env = simulatedEnv({ seed: 4 });
      const cuts = await threeCuts(env);
      const store = await filled(env, cuts);
      const { record, rows } = cuts[1]!;
      const whole = await done(env, bytesOf(store, record));
      const at = place % whole.length;
      await done(env, flip(env, record, at, whole[at]! ^ (1 << bit)));
      assert.deepEqual(await done(env, store.verify()), [2]);
      assert.equal(store.holds(record), false);
      await done(
        env,
        store.take(record, undefined, async function* () {
          yield whole;
        }),
      );
      assert.deepEqual(await done(env, store.verify()), []);
      assert.equal(rowText(await done(env, store.get("a2"))), rowText(rows[0]!));
      await done(env, store.close());
    }),
    { numRuns: 20 },
  );
});

Deno.test("bytes that the chain does not speak of are not taken in", async () => {
  const env = simulatedEnv({ seed: 5 });
  const [first, second] = await threeCuts(env);
  const store = await done(env, ArchiveStore.open(env, FOLDER));
  const wrong = store.take(first!.record, second!.rows, nothing);
  await assert.rejects(done(env, wrong), { code: "damaged" });
  assert.equal(store.holds(first!.record), false);
  assert.equal((await pages(env, store, {})).length, 0);
  await done(env, store.close());
});

Deno.test("a segment that is dropped is gone with its runs, and stays so", async () => {
  const env = simulatedEnv({ seed: 6 });
  const cuts = await threeCuts(env);
  const store = await filled(env, cuts);
  await done(env, store.dropBefore(3));
  assert.deepEqual(idsOf(await pages(env, store, {})), ["a5", "b2", "a4"]);
  assert.equal(await done(env, store.get("a1")), null);
  assert.equal(await done(env, store.getByJob("a1-0")), null);
  await done(env, store.close());
  const again = await done(env, ArchiveStore.open(env, FOLDER));
  assert.deepEqual(cuts.map(({ record }) => again.holds(record)), [false, false, true]);
  assert.deepEqual((await done(env, again.files.list())).map(({ number }) => number), [3]);
  await done(env, again.close());
});

async function bytesOf(store: ArchiveStore, record: Cut["record"]): Promise<Uint8Array> {
  return (await store.files.read(record, 0, 1_000_000))!.bytes;
}

async function flip(env: SimulatedEnv, record: Cut["record"], at: number, byte: number) {
  const name = `${String(record.number).padStart(10, "0")}.${record.hash}.segment`;
  const file = await env.disk.open(`${FOLDER}/segments/${name}`, { write: true });
  await file.write(new Uint8Array([byte]), at);
  await file.sync();
  await file.close();
}
