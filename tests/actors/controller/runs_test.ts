import assert from "node:assert/strict";
import { apply } from "../../../actors/controller/apply.ts";
import { type Command, command as commandSchema } from "../../../actors/controller/commands.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { temporaryName } from "../../../actors/job/record.ts";
import { Rig } from "../job/rig.ts";
import { emptyPlan } from "../plans.ts";

const { spec } = new Rig();

class Log {
  state: State = INITIAL_STATE;
  #index = 0;

  apply(command: Command): readonly string[] {
    const applied = apply(this.state, { version: 1, atMs: 1, command }, ++this.#index);
    this.state = applied.state;
    return applied.refused;
  }

  submit(...names: string[]): readonly string[] {
    const jobs = names.map((name) => ({ jobId: `run-${name}`, spec: { ...spec, name } }));
    return this.apply({ type: "submitJobs", runId: "run", jobs, skipped: [] });
  }

  intend(intent: "run" | "pause" | "cancel"): readonly string[] {
    return this.apply({ type: "intendRun", runId: "run", intent, why: "asked" });
  }

  jobState(name: string): string | undefined {
    return this.state.jobs.get(`run-${name}`)?.state;
  }
}

function begun(): Log {
  const log = new Log();
  log.apply({ type: "createRun", runId: "run", tenant: "acme", plan: emptyPlan() });
  return log;
}

function end(outcome: "succeeded" | "failed" = "succeeded"): Command {
  return { type: "endRun", runId: "run", outcome, why: "" };
}

Deno.test("commands about a run that is not there, or has ended, are refused", () => {
  const log = new Log();
  assert.equal(log.submit("a").length, 1);
  assert.equal(log.intend("pause").length, 1);
  assert.equal(log.apply(end()).length, 1);
  const done = begun();
  assert.deepEqual(done.apply(end()), []);
  const { state } = done;
  assert.equal(done.submit("a").length, 1);
  assert.equal(done.apply(end("failed")).length, 1);
  assert.equal(done.state.runs, state.runs);
  assert.equal(done.state.jobs, state.jobs);
});

Deno.test("a run that is being cancelled is neither paused nor resumed, and its jobs are not either", () => {
  const log = begun();
  log.submit("a", "b");
  log.apply({ type: "assignJobs", assignments: [{ jobId: "run-a", agent: "x" }] });
  const one = { type: "intend", intent: "cancel", why: "asked" } as const;
  log.apply({ type: "jobEvent", jobId: "run-a", event: one });
  assert.deepEqual(log.intend("pause"), [], "the others are paused");
  assert.equal(log.state.jobs.get("run-a")?.intent, "cancel");
  assert.equal(log.jobState("b"), "paused");
  assert.deepEqual(log.intend("cancel"), []);
  for (const intent of ["pause", "run"] as const) {
    assert.match(log.intend(intent).join(), /run run is being cancelled/);
  }
  assert.equal(log.state.runs.get("run")?.intent, "cancel");
  assert.deepEqual(log.intend("cancel"), []);
});

Deno.test("a transfer becomes one job, however often it is submitted", () => {
  const log = begun();
  assert.deepEqual(log.submit("a", "b"), []);
  const before = log.state.jobs.get("run-a");
  assert.equal(log.submit("a", "c").length, 1);
  assert.equal(log.state.jobs.get("run-a"), before);
  assert.equal(log.jobState("c"), "queued");
});

Deno.test("a run does not end before its jobs", () => {
  const log = begun();
  log.submit("a");
  assert.match(log.apply(end())[0] ?? "", /cannot end: job run-a is queued/);
  log.intend("cancel");
  assert.deepEqual(log.apply(end("failed")), []);
});

Deno.test("pausing, going on and cancelling reach every open job", () => {
  const log = begun();
  log.submit("a", "b");
  log.intend("pause");
  assert.deepEqual([log.jobState("a"), log.jobState("b")], ["paused", "paused"]);
  log.submit("late");
  assert.equal(log.jobState("late"), "paused");
  log.intend("run");
  assert.deepEqual([log.jobState("a"), log.jobState("late")], ["queued", "queued"]);
  log.intend("cancel");
  assert.deepEqual([log.jobState("a"), log.jobState("late")], ["cancelled", "cancelled"]);
});

Deno.test("a job that is submitted while its run is cancelled ends at once", () => {
  const log = begun();
  log.intend("cancel");
  log.submit("late");
  assert.equal(log.jobState("late"), "cancelled");
  assert.notEqual(log.state.jobs.get("run-late")?.endedMs, null);
  assert.deepEqual(log.apply(end("failed")), []);
});

Deno.test("a stale assignment is refused job by job", () => {
  const log = begun();
  log.submit("a", "b");
  const assign = (...names: string[]) =>
    log.apply({
      type: "assignJobs",
      assignments: names.map((name) => ({ jobId: `run-${name}`, agent: "local" })),
    });
  assert.deepEqual(assign("a"), []);
  const lease = log.state.jobs.get("run-a")?.lease;
  assert.equal(assign("a", "b", "nobody").length, 2);
  assert.equal(log.state.jobs.get("run-a")?.lease, lease);
  assert.equal(log.jobState("b"), "assigned");
});

Deno.test("an agent that is gone gives back its own leases only", () => {
  const log = begun();
  log.submit("a", "b");
  for (const [name, agent] of [["a", "one"], ["b", "two"]] as const) {
    log.apply({ type: "assignJobs", assignments: [{ jobId: `run-${name}`, agent }] });
  }
  log.apply({ type: "releaseAgent", agent: "one", why: "gone" });
  assert.deepEqual([log.jobState("a"), log.jobState("b")], ["queued", "assigned"]);
  assert.equal(log.state.jobs.get("run-a")?.adoptable.length, 1);
});

Deno.test("what is applied at once and what is replayed from the log is the same", () => {
  const live = begun();
  const again = new Log();
  const commands: Command[] = [
    { type: "createRun", runId: "run", tenant: "acme", plan: emptyPlan() },
    { type: "submitJobs", runId: "run", jobs: [{ jobId: "run-a", spec }], skipped: [] },
    { type: "assignJobs", assignments: [{ jobId: "run-a", agent: "local" }] },
    {
      type: "jobEvent",
      jobId: "run-a",
      event: {
        type: "fail",
        lease: { epoch: 1, group: 0, index: 3, agent: "local" },
        error: { code: "io", message: "x", retryable: true, definite: true, retryAfterMs: 5 },
        retryAtMs: 99,
      },
    },
  ];
  live.state = INITIAL_STATE;
  const first = new Log();
  for (const command of commands) {
    first.apply(command);
    again.apply(commandSchema.parse(JSON.parse(JSON.stringify(command))));
  }
  assert.deepEqual(
    JSON.parse(JSON.stringify([...again.state.jobs])),
    JSON.parse(JSON.stringify([...first.state.jobs])),
  );
});

function started(plan = emptyPlan()): Log {
  const log = new Log();
  const jobs = [{ jobId: "run-one", transfer: 0 }];
  assert.deepEqual(log.apply({ type: "startRun", runId: "run", tenant: "acme", plan, jobs }), []);
  return log;
}

/** Its job is done by agent `a`. */
function succeed(log: Log): readonly string[] {
  log.apply({ type: "assignJobs", assignments: [{ jobId: "run-one", agent: "a" }] });
  const lease = log.state.jobs.get("run-one")!.lease!;
  const facts = { sha256: null, root: null, fileId: null, level: "size" } as const;
  const temp = temporaryName("run-one", lease);
  const grant = {
    ...{ leaseIndex: lease.index, temp, finalName: "one", replace: false, size: 1 },
    ...facts,
  };
  const counts = { bytes: 1, fetchedBytes: 1, keptBytes: 0, attempts: 1, startedMs: 1, endedMs: 1 };
  const receipt = {
    outcome: "published",
    name: "one",
    fence: "seize",
    ...counts,
    ...facts,
  } as const;
  const events = [{ type: "grant", lease, grant }, { type: "succeed", lease, receipt }] as const;
  return log.apply({
    type: "jobEvents",
    events: events.map((event) => ({ jobId: "run-one", event })),
  });
}

Deno.test("a run is started with its jobs by one command, and once", () => {
  const log = started();
  assert.equal(log.jobState("one"), "queued");
  assert.equal(log.state.runs.get("run")?.jobs.get("one"), "run-one");
  const { state } = log;
  const again = { type: "startRun", runId: "run", tenant: "acme", plan: emptyPlan() } as const;
  assert.match(log.apply({ ...again, jobs: [] })[0] ?? "", /exists/);
  assert.equal(log.state.runs, state.runs);
});

Deno.test("a run that was started with its one job succeeds with it, in the same command", () => {
  const log = started();
  assert.deepEqual(succeed(log), []);
  const run = log.state.runs.get("run");
  assert.deepEqual([run?.state, run?.endedMs], ["succeeded", 1]);
  assert.match(log.apply(end())[0] ?? "", /has succeeded/);
});

Deno.test("a run that has something to do at its end, or was cancelled, does not end with its job", () => {
  const withAction = started({ ...emptyPlan(), onSuccess: [{ type: "log" } as never] });
  assert.deepEqual(succeed(withAction), []);
  assert.equal(withAction.state.runs.get("run")?.state, "running");
  const created = begun();
  created.submit("one");
  assert.deepEqual(succeed(created), []);
  assert.equal(created.state.runs.get("run")?.state, "running");
});

Deno.test("of events that came together each is refused by itself, and its place is told", () => {
  const log = started();
  const phase = (index: number) => ({
    jobId: "run-one",
    event: {
      type: "phase" as const,
      phase: "running" as const,
      lease: { epoch: 1, group: 0, index, agent: "a" },
    },
  });
  log.apply({ type: "assignJobs", assignments: [{ jobId: "run-one", agent: "a" }] });
  const { index } = log.state.jobs.get("run-one")!.lease!;
  const events = [phase(index + 7), phase(index), { ...phase(index), jobId: "none" }];
  const command: Command = { type: "jobEvents", events };
  const applied = apply(log.state, { version: 4, atMs: 1, command }, 99);
  assert.deepEqual(applied.refusedAt, [0, 2]);
  assert.equal(applied.refused.length, 2);
  assert.equal(applied.state.jobs.get("run-one")?.state, "running");
});
