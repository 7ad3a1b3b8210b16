/** What a set does beside copying: ledgers, what happens to the source, mirrors, complete files. */

import assert from "node:assert/strict";
import { looksEqual } from "../../../actors/set/file.ts";
import { SetPlace } from "./place.ts";

const ONCE = { retry: { maxAttempts: 1 } };

Deno.test("a source file is deleted once its receipt is committed, and not before", async () => {
  const place = new SetPlace();
  place.put("a", "one");
  place.put("deep/b", "two");
  const { job } = await place.run({ source: { after: "delete" } });
  assert.deepEqual(place.below("/in/"), {});
  assert.deepEqual(place.out, { a: "one", "deep/b": "two" });
  assert.deepEqual([job.receipt?.files?.files, job.receipt?.files?.settled], [2, 2]);
  const events = place.store.history;
  for (const path of ["a", "deep/b"]) {
    const published = events.findIndex(({ operation, to }) =>
      operation === "publish" && to === `/out/${path}`
    );
    const removed = events.findIndex(({ operation, path: at }) =>
      operation === "remove" && at === `/in/${path}`
    );
    assert.ok(published >= 0 && removed > published, path);
  }
});

Deno.test("a source file that changes after it was listed is not deleted", async () => {
  const place = new SetPlace();
  place.put("a", "one");
  place.put("b", "two");
  const bytes = new TextEncoder().encode("newer");
  // The bytes that were announced are read; the version that stands there then is another one.
  place.store.setFaults("/in/a", { change: { atBytes: 3, bytes } });
  const { job } = await place.run({ ...ONCE, source: { after: "delete" } });
  assert.equal(job.state, "failed");
  assert.deepEqual(Object.keys(place.below("/in/")), ["a"]);
  assert.equal(place.out["b"], "two");
});

Deno.test("source files are moved below the archive, which is not walked", async () => {
  const place = new SetPlace();
  place.put("a", "one");
  place.put("deep/b", "two");
  const set = { source: { after: { move: "memory:///in/done/" } } };
  const { run } = await place.run(set);
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual(place.below("/in/"), { "done/a": "one", "done/deep/b": "two" });
  const again = await place.run(set);
  assert.equal(again.job.receipt?.files?.files, 0);
  assert.deepEqual(Object.keys(place.out).sort(), ["a", "deep/b"]);
});

Deno.test("what could not be deleted after its receipt is deleted by the next attempt", async () => {
  const place = new SetPlace();
  place.put("a", "one");
  const failures = [{ operation: "remove", times: 1, code: "unreachable" } as const];
  place.store.setFaults("/in/a", { failures });
  const { run, job } = await place.run({ source: { after: "delete" } });
  assert.equal(run.state, "succeeded", run.why);
  assert.equal(job.attempts, 2);
  assert.deepEqual(place.below("/in/"), {});
  assert.deepEqual(place.published(), { "/out/a": 1 });
});

Deno.test("a ledger knows over many runs what was copied, whatever became of it there", async () => {
  const place = new SetPlace();
  place.put("a", "one");
  place.put("b", "two");
  const set = { source: { select: { onlyNew: "daily" } } };
  await place.run(set);
  place.store.files.delete("/out/a");
  place.put("c", "three");
  const second = await place.run(set);
  assert.deepEqual(place.out, { b: "two", c: "three" } as Record<string, string>);
  assert.deepEqual(
    [second.job.receipt?.files?.files, second.job.receipt?.files?.unchanged],
    [1, 2],
  );
  place.put("a", "newer");
  await place.run(set);
  const fourth = await place.run(set);
  assert.equal(place.out["a"], "newer");
  assert.equal(fourth.job.receipt?.files?.unchanged, 3);
});

Deno.test("a mirror deletes what the source has not, and nothing that is not selected", async () => {
  const place = new SetPlace();
  for (const name of ["a.csv", "b.csv", "deep/c.csv"]) place.put(name, name);
  const set = {
    source: { select: { include: ["*.csv"] } },
    destination: { mirror: { delete: true } },
  };
  await place.run(set);
  place.store.put("/out/readme.txt", new Uint8Array(1));
  place.store.files.delete("/in/b.csv");
  const { run, job } = await place.run(set);
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual(Object.keys(place.out).sort(), ["a.csv", "deep/c.csv", "readme.txt"]);
  assert.equal(job.receipt?.files?.deleted, 1);
});

Deno.test("a mirror that would delete more than its share deletes nothing", async () => {
  const place = new SetPlace();
  for (const name of ["a", "b", "c", "d"]) place.put(name, name);
  const set = { destination: { mirror: { delete: true } } };
  await place.run(set);
  for (const name of ["a", "b", "c"]) place.store.files.delete(`/in/${name}`);
  const { job } = await place.run(set);
  assert.equal(job.error?.code, "mirrorRefused");
  assert.match(job.error?.message ?? "", /3 of its 4 files would be deleted, more than 50 %/);
  assert.equal(Object.keys(place.out).length, 4);
  const all = { destination: { mirror: { delete: true, maxDeletePercent: 80 } } };
  const { run } = await place.run(all, { folder: "/state/other" });
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual(Object.keys(place.out), ["d"]);
});

Deno.test("a mirror deletes nothing while some file could not be copied", async () => {
  const place = new SetPlace();
  for (const name of ["a", "b", "c"]) place.put(name, name);
  await place.run({});
  place.store.files.delete("/in/c");
  place.put("a", "other");
  const failures = [{ operation: "open", times: 1, code: "forbidden" } as const];
  place.store.setFaults("/in/a", { failures });
  const { job } = await place.run({ ...ONCE, destination: { mirror: { delete: true } } });
  assert.equal(job.state, "failed");
  assert.deepEqual(Object.keys(place.out).sort(), ["a", "b", "c"]);
});

Deno.test("a file counts once its marker is there, and the marker is no file", async () => {
  const place = new SetPlace();
  for (const name of ["a.csv", "a.csv.done", "b.csv"]) place.put(name, name);
  const { job } = await place.run({ source: { select: { stable: { marker: "*.done" } } } });
  assert.deepEqual(Object.keys(place.out), ["a.csv"]);
  assert.equal(job.receipt?.files?.left, 2);
});

Deno.test("a file that grows between two looks is left for the next walk", async () => {
  const place = new SetPlace();
  place.put("done", "one");
  place.put("growing", "t");
  const { world } = place.env;
  const select = { stable: { observations: 3, every: "10s" } };
  const embedded = await place.start({ source: { select } });
  await world.pass(15_000);
  place.put("growing", "tw");
  const run = await world.complete(embedded.finished);
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual(place.out, { done: "one" });
  await world.complete(embedded.close());
});

Deno.test("compared by hash, a file of equal size and time is still found to differ", async () => {
  const place = new SetPlace();
  place.put("a", "one", 100_000);
  await place.run({});
  const { mtimeMs } = place.store.files.get("/in/a")!;
  place.store.put("/in/a", new TextEncoder().encode("two"), { mtimeMs });
  const byTime = await place.run({});
  assert.equal(byTime.job.receipt?.files?.unchanged, 1);
  await place.run({ destination: { compare: "hash" } });
  assert.deepEqual(place.out, { a: "two" });
  const again = await place.run({ destination: { compare: "hash" } });
  assert.equal(again.job.receipt?.files?.unchanged, 1);
});

Deno.test("names in order begin in that order; a directory with too many of them is refused", async () => {
  const place = new SetPlace();
  for (const name of ["b", "c", "a"]) place.put(name, name);
  await place.run({ source: { select: { order: "name" } }, transfer: { concurrentFiles: 1 } });
  assert.deepEqual(Object.keys(place.published()), ["/out/a", "/out/b", "/out/c"]);
});

Deno.test("what a destination does not tell is not guessed: by size, by time, or by hash", () => {
  const source = { size: 3, mtimeMs: 5_000 };
  assert.ok(looksEqual(source, { size: 3, mtimeMs: 5_900 }, "mtime"));
  assert.ok(!looksEqual(source, { size: 3, mtimeMs: 6_100 }, "mtime"));
  assert.ok(!looksEqual(source, { size: 3, mtimeMs: null }, "mtime"));
  assert.ok(looksEqual(source, { size: 3, mtimeMs: null }, "size"));
  assert.ok(!looksEqual({ size: null, mtimeMs: 5_000 }, { size: 3, mtimeMs: 5_000 }, "mtime"));
  assert.ok(!looksEqual(source, { size: null, mtimeMs: 5_000 }, "mtime"));
  assert.ok(looksEqual(source, { size: null, mtimeMs: null }, "hash"));
});

Deno.test("a destination that keeps no times is not compared by them, and the message says what to do", async () => {
  const place = new SetPlace(1, { sink: { mtime: false } });
  place.put("a", "one");
  const first = await place.run(ONCE);
  assert.equal(first.job.state, "failed");
  assert.match(first.job.error?.message ?? "", /keeps no times; set destination.compare to/);
  const destination = { compare: "size", preserveMtime: false };
  const { run } = await place.run({ destination });
  assert.equal(run.state, "succeeded", run.why);
});

Deno.test("a mirror of a directory into which nothing was copied yet deletes nothing", async () => {
  const place = new SetPlace();
  place.put("a.txt", "one");
  const { run, job } = await place.run({
    source: { select: { include: ["*.csv"] } },
    destination: { mirror: { delete: true } },
  });
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual([job.receipt?.files?.files, job.receipt?.files?.left], [0, 1]);
});
