import assert from "node:assert/strict";
import { ChunkTimes } from "../../../actors/job/chunk_times.ts";
import { Histogram } from "../../../runtime/telemetry/histogram.ts";
import { CHUNK, Rig, SLOT, withParts } from "./rig.ts";

const BOUNDS = [0.001, 0.01, 0.1, 1];
const countOf = (histogram: Histogram) =>
  histogram.data().counts.reduce((sum, count) => sum + count, 0);

for (const parallelRanges of [1, 3]) {
  for (
    const [size, chunks] of [[0, 0], [5, 1], [SLOT, 1], [CHUNK, 1], [9 * CHUNK + 7, 10]] as const
  ) {
    Deno.test(`each chunk that is moved is timed once: ${size} bytes, ${parallelRanges} ranges`, async () => {
      const rig = new Rig({ spec: withParts({ pipeline: { parallelRanges } }) });
      rig.put(size);
      const seconds = new Histogram(BOUNDS);
      const times = new ChunkTimes(rig.env.clock, seconds);
      const beganMs = rig.env.clock.monotonic();
      const job = await rig.attempt({ ...rig.tools, chunks: times });
      assert.equal(job.state, "succeeded", job.why);
      assert.equal(countOf(seconds), chunks);
      const tookSeconds = (rig.env.clock.monotonic() - beganMs) / 1_000;
      assert.ok(seconds.sum <= tookSeconds * parallelRanges, "no longer than the attempt");
      assert.equal(seconds.sum > 0, chunks > 0);
    });
  }
}

Deno.test("what a histogram has counted since it told last is added to another one, once", () => {
  const [worker, agent] = [new Histogram(BOUNDS), new Histogram(BOUNDS)];
  agent.add(0.5);
  let before: ReturnType<Histogram["data"]> | null = null;
  for (const values of [[0.005, 0.05], [], [0.5, 5]]) {
    for (const value of values) worker.add(value);
    const data = worker.data();
    agent.addData(data, before);
    before = data;
  }
  assert.deepEqual(agent.data().counts, [0, 1, 1, 2, 1]);
  assert.ok(Math.abs(agent.sum - (0.5 + worker.sum)) < 1e-9);
});
