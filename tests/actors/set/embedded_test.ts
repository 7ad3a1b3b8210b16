import assert from "node:assert/strict";
import { SetPlace } from "./place.ts";

const ONCE = { retry: { maxAttempts: 1 } };

Deno.test("a directory is one job, and all that is below it arrives at the same paths", async () => {
  const place = new SetPlace();
  place.put("a.txt", "one");
  place.put("deep/down/b.txt", "two");
  place.put("deep/c d.txt", "three");
  const { run, job } = await place.run({});
  assert.equal(run.state, "succeeded", run.why);
  assert.deepEqual(place.out, {
    "a.txt": "one",
    "deep/down/b.txt": "two",
    "deep/c d.txt": "three",
  });
  assert.equal(run.jobs.size, 1);
  assert.equal(job.receipt?.bytes, 11);
  assert.deepEqual(job.receipt?.files, {
    ...{ files: 3, unchanged: 0, left: 0, failed: 0, deleted: 0, settled: 0 },
  });
  assert.match(job.receipt?.root ?? "", /^[0-9a-f]{64}$/);
  assert.deepEqual(job.set?.open, []);
  assert.equal(place.store.uploads.size, 0);
});

Deno.test("what is there already is not copied again, what has changed is", async () => {
  const place = new SetPlace();
  for (const name of ["a", "b", "c"]) place.put(name, name);
  await place.run({});
  place.put("b", "other");
  const { job } = await place.run({});
  assert.deepEqual(place.out, { a: "a", b: "other", c: "c" });
  assert.deepEqual([job.receipt?.files?.files, job.receipt?.files?.unchanged], [1, 2]);
  assert.deepEqual(place.published(), { "/out/a": 1, "/out/b": 2, "/out/c": 1 });
});

Deno.test("a glob takes what it matches, and goes no deeper than it can match", async () => {
  const place = new SetPlace();
  for (const name of ["a.csv", "b.txt", "deep/c.csv", ".d.csv"]) place.put(name, name);
  const { job } = await place.run({ from: "memory:///in/*.csv" });
  assert.deepEqual(Object.keys(place.out), ["a.csv"]);
  assert.equal(job.receipt?.files?.left, 2, "deep/ is not gone into");
  await place.run({ from: "memory:///in/**/*.csv", to: "memory:///all/" });
  assert.deepEqual(Object.keys(place.below("/all/")).sort(), ["a.csv", "deep/c.csv"]);
});

Deno.test("include, exclude, size and age select", async () => {
  const place = new SetPlace();
  place.put("a.csv", "1234");
  place.put("b.csv", "12");
  place.put("young.csv", "1234", 1_000);
  place.put("tmp/c.csv", "1234");
  place.put("d.txt", "1234");
  const select = { include: ["*.csv"], exclude: ["tmp/"], minSize: 3, minAge: "10s" };
  await place.run({ source: { select } });
  assert.deepEqual(Object.keys(place.out), ["a.csv"]);
});

Deno.test("a file that fails keeps no other from arriving, and is named", async () => {
  const place = new SetPlace();
  for (const name of ["a", "b", "c"]) place.put(name, name);
  const failures = [{ operation: "open", times: 1, code: "forbidden" } as const];
  place.store.setFaults("/in/b", { failures });
  const { run, job } = await place.run(ONCE);
  assert.equal(run.state, "failed");
  assert.equal(job.error?.code, "filesFailed");
  assert.match(job.error?.message ?? "", /^1 file has failed: b: /);
  assert.deepEqual(job.set?.failures.map(({ path, code }) => [path, code]), [["b", "forbidden"]]);
  assert.deepEqual(Object.keys(place.out), ["a", "c"]);
  const again = await place.run(ONCE);
  assert.equal(again.run.state, "succeeded", again.run.why);
  assert.deepEqual(place.published(), { "/out/a": 1, "/out/b": 1, "/out/c": 1 });
});

Deno.test("what may succeed by itself is tried again with the next attempt, and only that", async () => {
  const place = new SetPlace();
  for (const name of ["a", "b", "c"]) place.put(name, name);
  const failures = [{ operation: "read", times: 2, code: "unreachable" } as const];
  place.store.setFaults("/in/b", { failures });
  const { run, job } = await place.run({});
  assert.equal(run.state, "succeeded", run.why);
  assert.equal(job.attempts, 3);
  assert.deepEqual([job.receipt?.files?.files, job.receipt?.files?.unchanged], [3, 2]);
  assert.deepEqual(place.published(), { "/out/a": 1, "/out/b": 1, "/out/c": 1 });
});

Deno.test("more failures than are allowed end the walk", async () => {
  const place = new SetPlace();
  for (let n = 0; n < 50; n++) place.put(`file-${n}`, "x");
  for (let n = 0; n < 50; n++) {
    const failures = [{ operation: "open", times: 9, code: "forbidden" } as const];
    place.store.setFaults(`/in/file-${n}`, { failures });
  }
  const { job } = await place.run({
    ...ONCE,
    transfer: { concurrentFiles: 2, maxFailures: 5 },
  });
  assert.equal(job.state, "failed");
  assert.match(job.error?.message ?? "", /more than transfer.maxFailures allows \(5\)/);
  assert.ok((job.set?.failed ?? 0) < 15, `${job.set?.failed} failed`);
});

Deno.test("stopped in the middle and gone on with, every file is published once", async () => {
  const place = new SetPlace(3, { delayMs: () => [5, 5] });
  for (let n = 0; n < 100; n++) place.put(`${n % 7}/file-${n}`, `content ${n}`);
  const { world } = place.env;
  const first = await place.start({ transfer: { concurrentFiles: 4 } });
  await world.pass(700);
  await world.complete(first.close());
  const before = Object.keys(place.published()).length;
  assert.ok(before > 5 && before < 95, `${before} were published`);
  const second = await place.start({ transfer: { concurrentFiles: 4 } });
  assert.equal(second.resumed, true);
  const run = await world.complete(second.finished);
  assert.equal(run.state, "succeeded", run.why);
  const job = second.state.jobs.get("run-1")!;
  assert.equal(job.receipt?.files?.files, 100);
  assert.ok(Object.values(place.published()).every((times) => times === 1));
  assert.equal(Object.keys(place.out).length, 100);
  await world.complete(second.close());
});

Deno.test("paused, a set lets go; resumed, it goes on; cancelled, it ends", async () => {
  const place = new SetPlace(4, { delayMs: () => [5, 5] });
  for (let n = 0; n < 60; n++) place.put(`file-${n}`, `content ${n}`);
  const { world } = place.env;
  const embedded = await place.start({ transfer: { concurrentFiles: 2 } });
  const job = () => embedded.state.jobs.get("run-1")!;
  await world.pass(300);
  await world.complete(embedded.intend("pause", "wait"));
  await world.pass(500);
  assert.equal(job().state, "paused", job().why);
  const before = Object.keys(place.out).length;
  await world.pass(1_000);
  assert.equal(Object.keys(place.out).length, before, "nothing moves");
  await world.complete(embedded.intend("run", "go on"));
  await world.pass(300);
  assert.ok(Object.keys(place.out).length > before);
  await world.complete(embedded.intend("cancel", "enough"));
  const run = await world.complete(embedded.finished);
  assert.equal(run.state, "cancelled");
  assert.deepEqual(job().set?.open, []);
  assert.ok(Object.values(place.published()).every((times) => times === 1));
  await world.complete(embedded.close());
});
