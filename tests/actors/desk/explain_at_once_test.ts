import assert from "node:assert/strict";
import { explainJob } from "../../../actors/desk/explain.ts";
import { Board } from "../../../actors/fleet/board.ts";
import { job, progress } from "../../cli/jobs.ts";

const LEASE = { epoch: 1, group: 0, index: 5, agent: "a1" };

Deno.test("a job that runs says how many files at a time, and why, as long as it has a lease", async () => {
  const board = new Board(10);
  const why = "6 files at a time, since throughput rose 12 % from 5 on";
  const atOnce = { count: 6, most: 16, of: "files", why } as const;
  board.progressed([{ jobId: "r-one", progress: progress(1, null, { atOnce }) }], 0);
  const nobody = () => assert.fail("a job that runs does not wait for the scheduler");
  const lines = (lease: typeof LEASE | null) =>
    explainJob({ leader: null }, nobody, job("one", "running", { lease }), board);
  assert.ok((await lines(LEASE)).includes(`${why} (at most 16)`), (await lines(LEASE)).join("\n"));
  assert.ok(!(await lines(null)).some((line) => /at a time/.test(line)));
});
