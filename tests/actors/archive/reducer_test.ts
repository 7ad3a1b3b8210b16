/** Cutting, sealing and dropping segments: what `apply` takes, and what it refuses. */

import assert from "node:assert/strict";
import type { Command } from "../../../actors/controller/commands.ts";
import { CHAIN_START } from "../../../actors/controller/state.ts";
import { dueRuns, dueSegment } from "../../../actors/archive/due.ts";
import { simulatedEnv } from "../../../runtime/sim/env.ts";
import { endedRun, Log } from "./ended_runs.ts";

const env = simulatedEnv({ seed: 1 });
const HASH = "ab".repeat(32);

function archiveRuns(...runs: { runId: string; version: number }[]): Command {
  return { type: "archiveRuns", previous: CHAIN_START, hash: HASH, runs };
}

Deno.test("a segment takes ended runs and all their jobs out of the hot state", async () => {
  const log = new Log();
  log.apply(...endedRun("one"), ...endedRun("two"));
  log.apply({ type: "createRun", runId: "open", tenant: "acme", plan: { ...planOf(log) } });
  const { record, rows } = await log.cut(env, "two", "one");
  assert.deepEqual([...log.state.runs.keys()], ["open"]);
  assert.equal(log.state.jobs.size, 0);
  assert.deepEqual([record.number, record.runs, record.jobs], [1, 2, 4]);
  assert.equal(record.previous, CHAIN_START);
  assert.equal(log.state.archive.root, record.hash);
  assert.deepEqual(log.state.archive.open.get("1"), rows);
});

Deno.test("what has not ended, has changed or is not known is refused, and nothing happens", () => {
  const log = new Log();
  log.apply(...endedRun("done"));
  const { version } = log.state.runs.get("done")!;
  log.apply({ type: "createRun", runId: "open", tenant: "acme", plan: planOf(log) });
  const before = log.state;
  const reasons = [
    archiveRuns({ runId: "done", version }, { runId: "open", version: 1 }),
    archiveRuns({ runId: "done", version: version - 1 }),
    archiveRuns({ runId: "done", version }, { runId: "none", version }),
    archiveRuns({ runId: "done", version }, { runId: "done", version }),
    { ...archiveRuns({ runId: "done", version }), previous: HASH } as Command,
  ].map((command) => log.apply(command)[0]);
  assert.match(reasons[0]!, /has not ended/);
  assert.match(reasons[1]!, /has changed/);
  assert.match(reasons[2]!, /no run none/);
  assert.match(reasons[3]!, /named twice/);
  assert.match(reasons[4]!, /another one/);
  assert.equal(log.state.runs, before.runs);
  assert.equal(log.state.jobs, before.jobs);
  assert.equal(log.state.archive, before.archive);
  assert.deepEqual(log.apply(archiveRuns({ runId: "done", version })), []);
});

Deno.test("rows stay until their segment is sealed, and a segment is dropped only after that", async () => {
  const log = new Log();
  log.apply(...endedRun("one"), ...endedRun("two"));
  const first = await log.cut(env, "one");
  const second = await log.cut(env, "two");
  assert.equal(second.record.previous, first.record.hash);
  const seal = (number: number, hash: string) => log.apply({ type: "sealSegment", number, hash });
  assert.match(log.apply({ type: "dropSegments", through: 1 })[0]!, /not sealed/);
  assert.match(seal(1, HASH)[0]!, /not open/);
  assert.deepEqual(seal(1, first.record.hash), []);
  assert.match(seal(1, first.record.hash)[0]!, /not open/);
  assert.deepEqual([...log.state.archive.open.keys()], ["2"]);
  assert.match(log.apply({ type: "dropSegments", through: 2 })[0]!, /not sealed/);
  assert.deepEqual(log.apply({ type: "dropSegments", through: 1 }), []);
  assert.match(log.apply({ type: "dropSegments", through: 1 })[0]!, /there are 2 to 2/);
  assert.match(log.apply({ type: "dropSegments", through: 3 })[0]!, /no segment 3/);
  assert.deepEqual([...log.state.archive.segments.keys()], ["2"]);
  assert.equal(log.state.archive.root, second.record.hash);
});

const LIMITS = {
  archiveAfterMs: 60_000,
  archiveRestMs: 10_000,
  archiveOwingMs: 100_000,
  archiveHotJobs: 1_000,
  archiveSegmentRuns: 3,
  archiveSegmentJobs: 5,
  archiveOpenSegments: 2,
};

function due(log: Log, nowMs: number, limits: Partial<typeof LIMITS> = {}): string[] {
  return dueRuns(log.state, nowMs, { ...LIMITS, ...limits }).map(({ run }) => run.id);
}

Deno.test("runs are due when they have rested, the first ended first, as many as a segment takes", () => {
  const log = new Log();
  // They end at 4, 8, 12 and 16 seconds.
  for (const id of ["d", "c", "b", "a"]) log.apply(...endedRun(id));
  assert.deepEqual(due(log, 63_999), []);
  assert.deepEqual(due(log, 64_000), ["d"]);
  assert.deepEqual(due(log, 500_000), ["d", "c"]);
  assert.deepEqual(due(log, 500_000, { archiveSegmentJobs: 100 }), ["d", "c", "b"]);
  assert.deepEqual(due(log, 500_000, { archiveSegmentJobs: 1 }), ["d"]);
});

Deno.test("where the hot state is crowded runs go earlier, but not at once", () => {
  const log = new Log();
  for (const id of ["d", "c", "b", "a"]) log.apply(...endedRun(id));
  assert.deepEqual(due(log, 20_000, { archiveHotJobs: 6 }), ["d"]);
  assert.deepEqual(due(log, 20_000, { archiveHotJobs: 4 }), ["d", "c"]);
  assert.deepEqual(due(log, 13_000, { archiveHotJobs: 0 }), []);
});

Deno.test("a run whose attempts may have left something stays until that was looked for", () => {
  const log = new Log();
  for (const id of ["d", "c"]) log.apply(...endedRun(id));
  const [jobId] = [...log.state.jobs.keys()].filter((id) => id.startsWith("d-"));
  const job = log.state.jobs.get(jobId!)!;
  const owing = { ...job, adoptable: [{ temp: ".quorus-d-0-1.0.2.part", leaseIndex: 2 }] };
  const jobs = log.state.jobs.set(job.id, owing);
  const at = (nowMs: number) =>
    dueRuns({ ...log.state, jobs }, nowMs, LIMITS).map(({ run }) => run.id);
  assert.deepEqual(at(103_999), ["c"]);
  assert.deepEqual(at(104_000), ["d", "c"]);
});

Deno.test("with too many open segments the next one waits; retention goes up to the first open one", async () => {
  const log = new Log();
  for (const id of ["d", "c", "b"]) log.apply(...endedRun(id));
  const first = await log.cut(env, "d");
  const second = await log.cut(env, "c");
  assert.deepEqual(due(log, 500_000), []);
  assert.equal(dueSegment(log.state, 500_000, 1_000), null);
  log.apply({ type: "sealSegment", number: 1, hash: first.record.hash });
  assert.deepEqual(due(log, 500_000), ["b"]);
  assert.equal(dueSegment(log.state, 500_000, 1_000), 1);
  log.apply({ type: "sealSegment", number: 2, hash: second.record.hash });
  assert.equal(dueSegment(log.state, 500_000, 1_000), 2);
  assert.equal(dueSegment(log.state, second.record.lastEndedMs, 1_000), 1);
  assert.equal(dueSegment(log.state, second.record.lastEndedMs, 1_000_000), null);
});

function planOf(log: Log) {
  return [...log.state.runs.values()][0]!.plan;
}
