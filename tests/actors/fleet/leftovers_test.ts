import assert from "node:assert/strict";
import { Leftovers } from "../../../actors/fleet/leftovers.ts";
import type { Job } from "../../../actors/job/record.ts";
import { Rig } from "../job/rig.ts";

const LIMITS = {
  sweepRestMs: 10,
  sweepKeepMs: 50,
  sweepAgainMs: 1_000,
  sweepPauseMs: 100,
  sweepPauseMostMs: 300,
  sweepTries: 4,
};

const template = new Rig().job;

function ended(id: string, left: "nothing" | "adoptable" | "stale"): Job {
  const temporary = { temp: `.quorus-${id}-1.0.7.part`, leaseIndex: 7 };
  return {
    ...template,
    id,
    state: "cancelled",
    endedMs: 0,
    adoptable: left === "adoptable" ? [temporary] : [],
    stale: left === "stale" ? [{ ...temporary, agent: "a1" }] : [],
  };
}

function idsOf(leftovers: Leftovers, nowMs: number, most = 10): string[] {
  return leftovers.take(nowMs, most).map(({ job }) => job.id);
}

Deno.test("what has failed rests longer, as somebody may try it again, and is forgotten when somebody does", () => {
  const leftovers = new Leftovers(LIMITS);
  leftovers.note({ ...ended("first", "adoptable"), state: "failed" }, 0);
  leftovers.note({ ...ended("second", "adoptable"), state: "failed" }, 0);
  assert.deepEqual(idsOf(leftovers, 49), []);
  leftovers.forget("first");
  assert.deepEqual(idsOf(leftovers, 50), ["second"]);
});

Deno.test("only jobs that have ended and may have left something are looked after", () => {
  const leftovers = new Leftovers(LIMITS);
  leftovers.note(ended("clean", "nothing"), 0);
  leftovers.note({ ...ended("waits", "adoptable"), state: "paused" }, 0);
  leftovers.note(ended("owes", "adoptable"), 0);
  assert.equal(leftovers.size, 1);
  assert.deepEqual(idsOf(leftovers, 9), [], "it rests");
  assert.deepEqual(idsOf(leftovers, 10), ["owes"]);
  assert.deepEqual(idsOf(leftovers, 10), [], "it is under way");
  leftovers.done("owes");
  assert.equal(leftovers.size, 0);
});

Deno.test("a job with a writer that was never proved gone is looked after twice", () => {
  const leftovers = new Leftovers(LIMITS);
  leftovers.note(ended("owes", "stale"), 0);
  assert.deepEqual(idsOf(leftovers, 10), ["owes"]);
  leftovers.done("owes");
  assert.deepEqual(idsOf(leftovers, 999), []);
  assert.deepEqual(idsOf(leftovers, 1_000), ["owes"]);
  leftovers.done("owes");
  assert.equal(leftovers.size, 0);
});

Deno.test("what has failed is tried again after longer and longer pauses, and given up at last", () => {
  const leftovers = new Leftovers(LIMITS);
  leftovers.note(ended("owes", "adoptable"), 0);
  let nowMs = 10;
  for (const pauseMs of [100, 200, 300]) {
    assert.deepEqual(idsOf(leftovers, nowMs), ["owes"]);
    assert.ok(leftovers.failed("owes", nowMs));
    assert.deepEqual(idsOf(leftovers, nowMs + pauseMs - 1), []);
    nowMs += pauseMs;
  }
  assert.deepEqual(leftovers.take(nowMs, 1).map(({ tries }) => tries), [3]);
  assert.ok(!leftovers.failed("owes", nowMs));
  assert.equal(leftovers.size, 0);
});

Deno.test("no more are taken than there is room for", () => {
  const leftovers = new Leftovers(LIMITS);
  for (const id of ["a", "b", "c"]) leftovers.note(ended(id, "adoptable"), 0);
  assert.deepEqual(idsOf(leftovers, 10, 2), ["a", "b"]);
  assert.deepEqual(idsOf(leftovers, 10, 0), []);
  assert.deepEqual(idsOf(leftovers, 10, 2), ["c"]);
});
