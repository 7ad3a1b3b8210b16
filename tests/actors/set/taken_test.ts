import assert from "node:assert/strict";
import fc from "fast-check";
import { EMPTY_DIGEST, receiptDigest, sumOfDigests } from "../../../actors/set/digest.ts";
import { NEW_SET, NO_COUNTS } from "../../../actors/set/record.ts";
import { type FilesReport, takeFiles } from "../../../actors/set/taken.ts";
import { lifecycle } from "../../../actors/job/lifecycle.ts";
import type { Grant, Job, Lease } from "../../../actors/job/record.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { Rig } from "../job/rig.ts";

const LEASE: Lease = { epoch: 1, group: 0, index: 7, agent: "local" };
const { hash } = simulatedEnv({ seed: 1 });

function jobOf(more: Partial<Job> = {}): Job {
  return { ...new Rig().job, state: "running", lease: LEASE, set: NEW_SET, attempts: 1, ...more };
}

function grantOf(path: string, more: Partial<Grant> = {}): Grant {
  return {
    leaseIndex: 7,
    temp: `.quorus-j~${path}-1.0.7.part`,
    finalName: path,
    replace: true,
    size: 3,
    sha256: null,
    root: null,
    fileId: null,
    level: "size",
    ...more,
  };
}

function report(batch: number, more: Partial<FilesReport> = {}): FilesReport {
  return {
    batch,
    grants: [],
    done: [],
    counts: NO_COUNTS,
    failures: [],
    digest: EMPTY_DIGEST,
    ...more,
  };
}

function taken(job: Job, one: FilesReport): Job {
  const next = takeFiles(job, LEASE, one);
  assert.ok(!("refused" in next), "refused" in next ? next.refused : "");
  return next;
}

function refusal(job: Job, one: FilesReport): string {
  const next = takeFiles(job, LEASE, one);
  return "refused" in next ? next.refused : "";
}

Deno.test("a file counts once its receipt comes, and never without a grant", () => {
  const granted = taken(jobOf(), report(1, { grants: [{ path: "a", grant: grantOf("a") }] }));
  assert.deepEqual([granted.set?.files, granted.set?.open.length], [0, 1]);
  const done = report(2, { done: [{ path: "a", outcome: "published" }] });
  const next = taken(granted, done);
  assert.deepEqual([next.set?.files, next.set?.bytes, next.set?.open.length], [1, 3, 0]);
  assert.match(refusal(jobOf(), done), /a of job .* has no grant/);
});

Deno.test("a report that comes again changes nothing", () => {
  const event = {
    type: "files",
    lease: LEASE,
    ...report(1, { grants: [{ path: "a", grant: grantOf("a") }] }),
  } as const;
  const once = lifecycle(jobOf(), event, 1);
  assert.ok(!("refused" in once));
  assert.equal(lifecycle(once, event, 1), once);
});

Deno.test("a report of another lease is refused", () => {
  const event = { type: "files", lease: { ...LEASE, index: 6 }, ...report(1) } as const;
  assert.match(JSON.stringify(lifecycle(jobOf(), event, 1)), /stale/);
});

Deno.test("the grant of an earlier lease can be recovered, not published again", () => {
  const open = [{ path: "a", grant: grantOf("a", { leaseIndex: 5 }) }];
  const job = jobOf({ set: { ...NEW_SET, open } });
  const again = report(1, { grants: [{ path: "a", grant: grantOf("a") }] });
  assert.match(refusal(job, again), /has a grant already/);
  assert.match(
    refusal(job, report(1, { done: [{ path: "a", outcome: "published" }] })),
    /is of lease 5/,
  );
  const next = taken(job, report(1, { done: [{ path: "a", outcome: "recovered" }] }));
  assert.equal(next.set?.files, 1);
});

Deno.test("nothing is granted to a job that is to stop, but what was done is taken", () => {
  const open = [{ path: "b", grant: grantOf("b") }];
  const job = jobOf({ intent: "pause", set: { ...NEW_SET, open } });
  const grants = [{ path: "a", grant: grantOf("a") }];
  assert.match(refusal(job, report(1, { grants })), /is to pause/);
  const next = taken(job, report(2, { done: [{ path: "b", outcome: "published" }] }));
  assert.equal(next.set?.files, 1);
});

Deno.test("the temporary file of a lost lease is never granted", () => {
  const { id } = new Rig().job;
  const stale = [
    { temp: `.quorus-${id}-1.0.5.part`, leaseIndex: 5 },
    // Of the run that it tries again, whose id is longer.
    { temp: ".quorus-a-much-longer-id-of-a-run-1-1.0.4.part", leaseIndex: 4 },
  ];
  const asks = (temp: string) =>
    report(1, { grants: [{ path: "a", grant: grantOf("a", { temp }) }] });
  for (
    const temp of [`.quorus-${id}~a-1.0.5.part`, ".quorus-a-much-longer-id-of-a-run-1~a-1.0.4.part"]
  ) {
    assert.match(refusal(jobOf({ stale }), asks(temp)), /that of a lost lease/);
  }
  assert.equal(refusal(jobOf({ stale }), asks(`.quorus-${id}~a-1.0.7.part`)), "");
});

Deno.test("no more than a bounded number of files is open", () => {
  const grants = Array.from({ length: 257 }, (_, n) => ({
    path: `f${n}`,
    grant: grantOf(`f${n}`),
  }));
  assert.match(refusal(jobOf(), report(1, { grants })), /256 files open already/);
});

Deno.test("what is unclear stays open, so that nothing is published over it", () => {
  const open = [{ path: "a", grant: grantOf("a") }];
  const next = taken(
    jobOf({ set: { ...NEW_SET, open } }),
    report(1, { done: [{ path: "a", outcome: "unclear" }] }),
  );
  assert.equal(next.set?.open[0]?.isUnclear, true);
  assert.equal(next.set?.files, 0);
});

Deno.test("only the first failures are named, all are counted", () => {
  let job = jobOf();
  for (let batch = 1; batch <= 5; batch++) {
    const failures = Array.from({ length: 10 }, (_, n) => ({
      ...{ path: `f${n}`, code: "io", message: "broke", retryable: true },
    }));
    job = taken(job, report(batch, { failures, counts: { ...NO_COUNTS, failed: 10 } }));
  }
  assert.deepEqual([job.set?.failed, job.set?.failures.length], [50, 20]);
});

Deno.test("the next lease counts its own walk; what was published stays", () => {
  const job = jobOf({ set: { ...NEW_SET, files: 3, bytes: 9, failed: 2, batch: 8 } });
  const queued: Job = { ...job, state: "queued", lease: null };
  const next = lifecycle(queued, { type: "assign", lease: { ...LEASE, index: 9 } }, 1);
  assert.ok(!("refused" in next));
  assert.deepEqual([next.set?.files, next.set?.failed, next.set?.batch], [3, 0, 0]);
});

Deno.test("a set does not succeed while a file is open, or with a receipt that counts otherwise", () => {
  const receipt = {
    outcome: "published",
    name: "",
    bytes: 9,
    sha256: null,
    root: EMPTY_DIGEST,
    level: "none",
    fence: "seize",
    fileId: null,
    fetchedBytes: 9,
    keptBytes: 0,
    attempts: 1,
    startedMs: 1,
    endedMs: 2,
    files: { ...NO_COUNTS, files: 3 },
  } as const;
  const set = { ...NEW_SET, files: 3, bytes: 9 };
  const succeed = (job: Job) => lifecycle(job, { type: "succeed", lease: LEASE, receipt }, 5);
  assert.equal((succeed(jobOf({ set })) as Job).state, "succeeded");
  const open = [{ path: "a", grant: grantOf("a") }];
  assert.match(
    JSON.stringify(succeed(jobOf({ set: { ...set, open } }))),
    /may be published, or not/,
  );
  assert.match(JSON.stringify(succeed(jobOf({ set: { ...set, files: 4 } }))), /4 files/);
  assert.match(JSON.stringify(succeed(jobOf({ set: { ...set, failed: 1 } }))), /1 files/);
});

Deno.test("the digest of receipts does not depend on their order, and on nothing else", () => {
  const file = fc.record({ path: fc.string(), size: fc.nat(), sha256: fc.constant(null) });
  fc.assert(fc.property(fc.array(file, { maxLength: 8 }), fc.nat(), (files, turn) => {
    const digests = files.map((one) => receiptDigest(hash, one));
    const sum = (all: readonly string[]) => all.reduce(sumOfDigests, EMPTY_DIGEST);
    const at = files.length === 0 ? 0 : turn % files.length;
    const turned = [...digests.slice(at), ...digests.slice(0, at)];
    assert.equal(sum(turned), sum(digests));
    if (digests.length > 0) assert.notEqual(sum(digests.slice(1)), sum(digests));
  }));
});
