import assert from "node:assert/strict";
import fc from "fast-check";
import { viewJob, viewRun } from "../../../actors/desk/views.ts";
import { ViewTexts } from "../../../actors/desk/view_texts.ts";

type State = Parameters<typeof viewRun>[1];
type Run = Parameters<typeof viewRun>[0];
type Job = Parameters<typeof viewJob>[0];
type Board = Parameters<typeof viewJob>[2];
type Seen = ReturnType<Board["progress"]>;

const JOBS = ["j1", "j2"];
const LEASE = { agent: "a1" };

function jobOf(id: string, state: string): Job {
  const spec = { name: id, source: { uri: "http://x/a" }, destination: { uri: "file:///a" } };
  const lease = state === "running" ? LEASE : null;
  return { id, runId: "r1", state, spec, lease, error: null, receipt: null } as unknown as Job;
}

function runOf(why: string): Run {
  const jobs = new Map(JOBS.map((id) => [`t-${id}`, id]));
  const plan = { name: "nightly", kind: "TransferGroup", labels: { tier: why }, transfers: JOBS };
  return { id: "r1", plan, why, jobs, skipped: new Map() } as unknown as Run;
}

Deno.test("property: a text is that of the view as it is now, whatever changed since it was made", () => {
  const step = fc.record({
    job: fc.constantFrom(...JOBS),
    change: fc.constantFrom("queued", "running", "progress", "run", "nothing"),
  });
  fc.assert(fc.property(fc.array(step), fc.integer({ min: 1, max: 3 }), (steps, most) => {
    const progress = new Map<string, Seen>();
    const board: Board = { progress: (id) => progress.get(id) ?? null };
    const texts = new ViewTexts(board, most);
    let jobs = new Map(JOBS.map((id) => [id, jobOf(id, "queued")]));
    let run = runOf("created");
    for (const [at, { job, change }] of steps.entries()) {
      if (change === "progress") {
        progress.set(job, { progress: { doneBytes: at }, atMs: at } as unknown as Seen);
      } else if (change === "run") run = runOf(`change ${at}`);
      else if (change !== "nothing") jobs = new Map(jobs).set(job, jobOf(job, change));
      const state = { jobs } as unknown as State;
      assert.equal(texts.run(run, state), JSON.stringify(viewRun(run, state)));
      for (const one of jobs.values()) {
        assert.equal(texts.job(one, run), JSON.stringify(viewJob(one, run, board)));
      }
    }
  }));
});
