import assert from "node:assert/strict";
import fc from "fast-check";
import { liveLimits } from "../../../gateway/live/limits.ts";
import { ProgressGate } from "../../../gateway/live/progress_gate.ts";
import { progressEvent } from "./events.ts";

const doneOf = (events: { progress: { doneBytes: number } }[]) =>
  events.map(({ progress }) => progress.doneBytes);

Deno.test("the first observation passes, the newest of those that follow passes when it may", () => {
  const gate = new ProgressGate(liveLimits({ progressMs: 500 }));
  assert.notEqual(gate.offer(progressEvent(1), 0), null);
  assert.equal(gate.offer(progressEvent(2), 100), null);
  assert.equal(gate.offer(progressEvent(3), 200), null);
  assert.deepEqual(doneOf(gate.due(400)), []);
  assert.deepEqual(doneOf(gate.due(500)), [3]);
  assert.equal(gate.hasPending, false);
});

Deno.test("what was observed before the job's state changed is not passed on after it", () => {
  const gate = new ProgressGate(liveLimits({ progressMs: 500 }));
  gate.offer(progressEvent(1), 0);
  gate.offer(progressEvent(2), 100);
  gate.forget("job-1");
  assert.equal(gate.hasPending, false);
  assert.deepEqual(gate.due(500), []);
});

Deno.test("no job is heard more often than it may, and the last of each is always heard", () => {
  const offers = fc.array(
    fc.record({ jobId: fc.constantFrom("a", "b", "c"), waitMs: fc.integer({ min: 0, max: 700 }) }),
    { maxLength: 60 },
  );
  fc.assert(fc.property(offers, (all) => {
    const gate = new ProgressGate(liveLimits({ progressMs: 500 }));
    const passedMs = new Map<string, number>();
    const last = new Map<string, number>();
    const heard = new Map<string, number>();
    let nowMs = 0;
    const hear = (jobId: string, done: number) => {
      assert.ok(nowMs - (passedMs.get(jobId) ?? -Infinity) >= 500);
      passedMs.set(jobId, nowMs);
      heard.set(jobId, done);
    };
    all.forEach(({ jobId, waitMs }, at) => {
      nowMs += waitMs;
      for (const due of gate.due(nowMs)) hear(due.jobId, due.progress.doneBytes);
      last.set(jobId, at);
      const passing = gate.offer(progressEvent(at, { jobId }), nowMs);
      if (passing !== null) hear(jobId, at);
    });
    nowMs += 500;
    for (const due of gate.due(nowMs)) hear(due.jobId, due.progress.doneBytes);
    assert.equal(gate.hasPending, false);
    assert.deepEqual(heard, last);
  }));
});
