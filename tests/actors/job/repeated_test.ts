import assert from "node:assert/strict";
import { type JobEvent, lifecycle } from "../../../actors/job/lifecycle.ts";
import {
  type Grant,
  type Job,
  type Lease,
  type Progressed,
  type Receipt,
  temporaryName,
} from "../../../actors/job/record.ts";
import { Rig } from "./rig.ts";

const NOW = 5_000;
const rig = new Rig();
rig.command({ type: "assignJobs", assignments: [{ jobId: "run-1", agent: "local" }] });
const assigned = rig.job;
const lease = assigned.lease!;
const later: Lease = { ...lease, index: lease.index + 5 };
const error = { code: "io", message: "broke", retryable: true, definite: true };
const grant: Grant = {
  leaseIndex: lease.index,
  temp: temporaryName("run-1", lease),
  finalName: "to",
  replace: true,
  size: 1,
  sha256: "a",
  root: "r",
  fileId: null,
  level: "size",
};
const receipt: Receipt = {
  outcome: "published",
  name: "to",
  bytes: 1,
  sha256: "a",
  root: "r",
  level: "size",
  fence: "seize",
  fileId: null,
  fetchedBytes: 1,
  keptBytes: 0,
  attempts: 1,
  startedMs: 1,
  endedMs: 2,
};
const progressed: Progressed = {
  leaseIndex: lease.index,
  temp: temporaryName("run-1", lease),
  chunkBytes: 8,
  chunks: 3,
  root: "r",
  fingerprint: { size: 64, mtimeMs: 1, etag: null, version: null },
};
const fail = { type: "fail", lease, error, retryAtMs: 6_000 } as const;
const succeed = { type: "succeed", lease, receipt } as const;

function after(job: Job, ...events: JobEvent[]): Job {
  return events.reduce((at, event) => {
    const next = lifecycle(at, event, NOW);
    assert.ok(!("refused" in next), "refused" in next ? next.refused : "");
    return next;
  }, job);
}

/** A copy as the wire or the log makes it. */
function copy<T>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

Deno.test("every report that was taken is taken again and changes nothing", () => {
  const lost = after(assigned, { type: "lose", why: "silent" });
  const granted = after(assigned, { type: "grant", lease, grant });
  const reports: readonly [Job, JobEvent][] = [
    [assigned, { type: "phase", lease, phase: "running" }],
    [assigned, { type: "phase", lease, phase: "verifying" }],
    [assigned, { type: "grant", lease, grant }],
    [assigned, { type: "progress", lease, progressed }],
    [granted, succeed],
    [assigned, fail],
    [assigned, { ...fail, retryAtMs: null }],
    [assigned, { type: "ambiguous", lease, error }],
    [assigned, { type: "release", lease, why: "stopping" }],
    [lost, { type: "handBack", lease }],
  ];
  for (const [before, event] of reports) {
    const once = after(before, event);
    assert.equal(lifecycle(once, copy(event), NOW + 1), once, event.type);
  }
});

Deno.test("reports that come again after the next attempt has begun change nothing of it", () => {
  for (const event of [fail, { type: "release", lease, why: "stopping" } as const]) {
    const next = after(assigned, event, { type: "assign", lease: later });
    assert.equal(lifecycle(next, copy(event), NOW), next, event.type);
  }
});

Deno.test("a report that was never taken is refused although it looks like one that was", () => {
  const lost = after(assigned, { type: "lose", why: "silent" });
  const granted = after(assigned, { type: "grant", lease, grant });
  const done = after(granted, succeed);
  const refused: readonly [Job, JobEvent][] = [
    [done, { ...succeed, receipt: { ...receipt, fileId: "another" } }],
    [done, { ...succeed, receipt: { ...receipt, attempts: 2 } }],
    [lost, succeed],
    [lost, { type: "release", lease, why: "stopping" }],
    [lost, { type: "grant", lease, grant }],
    [after(assigned, fail), { ...fail, error: { ...error, message: "otherwise" } }],
    [granted, { type: "grant", lease: later, grant }],
    [granted, { type: "grant", lease, grant: { ...grant, temp: "another" } }],
  ];
  for (const [job, event] of refused) {
    assert.ok("refused" in lifecycle(job, event, NOW), JSON.stringify(event));
  }
});

Deno.test("a late phase or checkpoint does not take a job back", () => {
  const verifying = after(assigned, { type: "phase", lease, phase: "verifying" });
  const publishing = after(verifying, { type: "grant", lease, grant });
  for (const job of [verifying, publishing]) {
    assert.equal(lifecycle(job, { type: "phase", lease, phase: "running" }, NOW), job);
  }
  const kept = after(assigned, { type: "progress", lease, progressed });
  const older = { ...progressed, chunks: 2 };
  assert.equal(lifecycle(kept, { type: "progress", lease, progressed: older }, NOW), kept);
  const newer = { ...progressed, chunks: 4 };
  assert.equal(
    after(kept, { type: "progress", lease, progressed: newer }).progressed?.chunks,
    4,
  );
});

Deno.test("giving back one grant again leaves the next one alone", () => {
  const other = { ...grant, finalName: "to (1)" };
  const givenBack = { type: "notPublished", lease, finalName: "to" } as const;
  const second = after(
    assigned,
    { type: "grant", lease, grant },
    givenBack,
    { type: "grant", lease, grant: other },
  );
  assert.equal(lifecycle(second, copy(givenBack), NOW), second);
  assert.equal(after(second, { ...givenBack, finalName: "to (1)" }).grant, null);
});
