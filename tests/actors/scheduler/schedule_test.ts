import assert from "node:assert/strict";
import fc from "fast-check";
import { schedule } from "../../../actors/scheduler/schedule.ts";

const waiting = fc.array(fc.option(fc.integer({ min: 0, max: 2_000 })), { maxLength: 40 }).map(
  (times) => times.map((notBeforeMs, order) => ({ jobId: `job-${order}`, order, notBeforeMs })),
);
const agents = fc.array(fc.integer({ min: -2, max: 6 }), { maxLength: 4 }).map((slots) =>
  slots.map((freeSlots, n) => ({ agent: `agent-${n}`, freeSlots }))
);

Deno.test("no agent gets more than its free slots, no job comes twice, and the order is kept", () => {
  fc.assert(fc.property(waiting, agents, (jobs, capacities) => {
    const { assignments, wakeAtMs } = schedule(jobs, capacities, 1_000);
    for (const { agent, freeSlots } of capacities) {
      const got = assignments.filter((one) => one.agent === agent).length;
      assert.ok(got <= Math.max(0, freeSlots), `${agent}: ${got} of ${freeSlots}`);
    }
    const ids = assignments.map((one) => one.jobId);
    assert.equal(new Set(ids).size, ids.length);
    const due = jobs.filter((one) => one.notBeforeMs === null || one.notBeforeMs <= 1_000);
    const slots = capacities.reduce((sum, one) => sum + Math.max(0, one.freeSlots), 0);
    assert.deepEqual(ids, due.slice(0, slots).map((one) => one.jobId));
    const later = jobs.flatMap(({ notBeforeMs }) =>
      notBeforeMs !== null && notBeforeMs > 1_000 ? [notBeforeMs] : []
    );
    assert.equal(wakeAtMs, later.length === 0 ? null : Math.min(...later));
  }));
});

Deno.test("the agent with the most room is taken first", () => {
  const job = { jobId: "a", order: 0, notBeforeMs: null };
  const free = [{ agent: "x", freeSlots: 1 }, { agent: "y", freeSlots: 3 }];
  assert.equal(schedule([job], free, 0).assignments[0]?.agent, "y");
});
