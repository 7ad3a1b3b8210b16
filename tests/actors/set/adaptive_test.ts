import assert from "node:assert/strict";
import { ADAPTIVE_LIMITS } from "../../../actors/adaptive/limits.ts";
import { JobFeed } from "../../../actors/job/messages.ts";
import type { Progress } from "../../../actors/job/meter.ts";
import { memoryProtocol } from "../../../protocols/memory/protocol.ts";
import { protocolRegistry } from "../../../protocols/registry.ts";
import { actor } from "../../../runtime/actor/definition.ts";
import type { Node } from "../../../runtime/actor/node.ts";
import { CrowdedHost } from "../adaptive/crowded_host.ts";
import { SetPlace } from "./place.ts";

const LOOK_MS = ADAPTIVE_LIMITS.adaptMs.value;
const DELAYS = { delayMs: () => [10, 10] as const };

function filled(files: number, seed = 1): SetPlace {
  const place = new SetPlace(seed, DELAYS);
  for (let n = 0; n < files; n++) place.put(`${n % 5}/file-${n}`, `content ${n}`);
  return place;
}

function crowded(place: SetPlace, most: () => number) {
  const host = new CrowdedHost({ most, clock: place.env.clock });
  const protocols = protocolRegistry([host.around(memoryProtocol(place.store))]);
  return { host, more: { protocols } };
}

/** Everything that its attempts tell of themselves. */
function heard(place: SetPlace) {
  const told: Progress[] = [];
  const follower = actor(JobFeed, {
    state: () => null,
    on: { progress: (_, { progress }) => void told.push(progress), changed: () => {} },
  });
  const feed = (node: Node) => node.spawn(follower, { name: "told" });
  return { told, feed, place };
}

Deno.test("a host that refuses more than four at a time gets four, and all files arrive at once", async () => {
  const place = filled(400);
  const { host, more } = crowded(place, () => 4);
  const { run, job } = await place.run({ retry: { maxAttempts: 1 } }, more);
  assert.equal(run.state, "succeeded", run.why);
  assert.equal(Object.keys(place.out).length, 400);
  assert.ok(Object.values(place.published()).every((times) => times === 1));
  assert.equal(job.receipt?.files?.failed, 0);
  assert.equal(host.peak, 4);
  // 16, 8, 5 and 3 are tried while it finds out, and 5 now and then.
  assert.ok(host.refusedMs.length < 60, `${host.refusedMs.length} were refused`);
  assert.ok(host.refusedLooks(LOOK_MS) <= 12, `in ${host.refusedLooks(LOOK_MS)} looks`);
});

Deno.test("with the number as declared the same host fails the set", async () => {
  const place = filled(400);
  const { host, more } = crowded(place, () => 4);
  const declared = { retry: { maxAttempts: 1 }, transfer: { adaptive: false } };
  const { run, job } = await place.run(declared, more);
  assert.equal(run.state, "failed");
  assert.equal(job.error?.code, "filesFailed");
  assert.ok(host.refusedMs.length > 60, `${host.refusedMs.length}`);
});

Deno.test("a host that has recovered is given what it bears again", async () => {
  const place = filled(1_200);
  let most = 2;
  const { host, more } = crowded(place, () => most);
  const { world } = place.env;
  const embedded = await place.start({}, more);
  await world.pass(10_000);
  assert.equal(host.peak, 2);
  most = 100;
  const run = await world.complete(embedded.finished);
  assert.equal(run.state, "succeeded", run.why);
  assert.ok(host.peak > 8, `${host.peak}`);
  await world.complete(embedded.close());
});

Deno.test("small files far away go many at a time, up to the declared number, and the reason is told", async () => {
  const place = filled(1_500);
  const { host, more } = crowded(place, () => Infinity);
  const { told, feed } = heard(place);
  const { run } = await place.run({ transfer: { concurrentFiles: 64 } }, { ...more, feed });
  assert.equal(run.state, "succeeded", run.why);
  assert.ok(host.peak > 32 && host.peak <= 64, `${host.peak}`);
  const reasons = told.flatMap(({ atOnce }) => atOnce === undefined ? [] : [atOnce]);
  assert.deepEqual(reasons[0], {
    ...{ count: 16, most: 64, of: "files", why: "16 files at a time, to begin with" },
  });
  const texts = new Set(reasons.map(({ why }) => why));
  const rose = [...texts].filter((why) => /files at a time, since throughput rose \d+ %/.test(why));
  assert.ok(rose.length > 0, [...texts].join("; "));
  assert.ok(reasons.every(({ count, most }) => count >= 1 && count <= most));
});

Deno.test("with the number as declared it stays, and says so", async () => {
  const place = filled(200);
  const { host, more } = crowded(place, () => Infinity);
  const { told, feed } = heard(place);
  const transfer = { concurrentFiles: 32, adaptive: false };
  await place.run({ transfer }, { ...more, feed });
  assert.ok(host.peak > 20 && host.peak <= 32, `${host.peak}`);
  const reasons = new Set(told.flatMap(({ atOnce }) => atOnce === undefined ? [] : [atOnce.why]));
  assert.deepEqual([...reasons], ["32 files at a time, as it is declared"]);
});

Deno.test("the next attempt begins with what was learnt", async () => {
  const place = filled(300);
  const { host, more } = crowded(place, () => 3);
  const failures = [{ operation: "read", times: 1, code: "badResponse" } as const];
  place.store.setFaults("/in/0/file-0", { failures });
  const { told, feed } = heard(place);
  const { run, job } = await place.run({}, { ...more, feed });
  assert.equal(run.state, "succeeded", run.why);
  assert.equal(job.attempts, 2);
  const begun = told.filter(({ atOnce }) => /as went well on this way/.test(atOnce?.why ?? ""));
  assert.ok(begun.length > 0, "the second attempt says so");
  assert.ok(begun.every(({ atOnce }) => (atOnce?.count ?? 99) <= 3), JSON.stringify(begun[0]));
  assert.equal(host.peak, 3);
});

Deno.test("a file that is refused for ever fails after its turns, and keeps no other from arriving", async () => {
  const place = filled(50);
  const failures = [{ operation: "open", times: 1_000, code: "rateLimited" } as const];
  place.store.setFaults("/in/0/file-5", { failures });
  const { run, job } = await place.run({ retry: { maxAttempts: 1 } });
  assert.equal(run.state, "failed");
  assert.deepEqual(job.set?.failures.map(({ path, code }) => [path, code]), [
    ["0/file-5", "rateLimited"],
  ]);
  assert.equal(Object.keys(place.out).length, 49);
});

Deno.test("a set that is cancelled while a refused file waits for its turn ends", async () => {
  const place = filled(5);
  const failures = [{ operation: "open", times: 1_000, code: "rateLimited" } as const];
  place.store.setFaults("/in/0/file-0", { failures });
  const { world } = place.env;
  const embedded = await place.start({});
  await world.pass(1_500);
  await world.complete(embedded.intend("cancel", "enough"));
  const run = await world.complete(embedded.finished);
  assert.equal(run.state, "cancelled");
  await world.complete(embedded.close());
});
