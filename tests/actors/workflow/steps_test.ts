import assert from "node:assert/strict";
import type { Job, JobState } from "../../../actors/job/record.ts";
import {
  settledState,
  siblingUri,
  skippedResult,
  stepResult,
  stepStates,
} from "../../../actors/workflow/steps.ts";
import { Rig } from "../job/rig.ts";

const rig = new Rig();
const template = rig.job;

function withState(state: JobState, more: Partial<Job> = {}): Job {
  return { ...template, state, ...more };
}

Deno.test("a job looks to its run as running until it has settled", () => {
  const expected: Readonly<Record<JobState, string>> = {
    submitted: "running",
    queued: "running",
    assigned: "running",
    running: "running",
    verifying: "running",
    publishing: "running",
    retrying: "running",
    paused: "running",
    succeeded: "succeeded",
    failed: "failed",
    cancelled: "cancelled",
    unknown: "failed",
  };
  const run = rig.state.runs.get("run")!;
  for (const [state, step] of Object.entries(expected)) {
    const states = stepStates(run, () => withState(state as JobState));
    assert.equal(states.get("one"), step, state);
    if (step !== "running") assert.equal(settledState(withState(state as JobState)), step);
  }
});

Deno.test("what was skipped counts as skipped, or as failed where it could not start", () => {
  const run = rig.state.runs.get("run")!;
  const skipped = run.skipped.set("a", { why: "", failed: false }).set("b", {
    why: "",
    failed: true,
  });
  const states = stepStates({ ...run, skipped }, () => undefined);
  assert.deepEqual([states.get("a"), states.get("b")], ["skipped", "failed"]);
  assert.equal(skippedResult("no", true).error?.message, "no");
  assert.equal(skippedResult("no", false).error, null);
});

Deno.test("later transfers learn hash, size and the name that was really given", async () => {
  const one = new Rig();
  one.put(10);
  const job = await one.attempt();
  const result = stepResult({ ...job, receipt: { ...job.receipt!, name: "to (1)" } });
  assert.deepEqual(
    [result.state, result.bytes, result.checksum, result.uri],
    ["succeeded", 10, job.receipt!.sha256, "file:///out/to%20(1)"],
  );
});

Deno.test("a sibling's name is escaped as part of a URI", () => {
  assert.equal(siblingUri("file:///a/b.txt", "c d#?.txt"), "file:///a/c%20d%23%3F.txt");
});
