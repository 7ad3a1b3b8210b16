import assert from "node:assert/strict";
import fc from "fast-check";
import { runSeed, type SeedRun } from "../../../runtime/sim/explore_seed.ts";
import { type Scenario, scenario } from "../../../runtime/sim/scenario.ts";
import { ddmin, shrink } from "../../../runtime/sim/shrink.ts";

Deno.test("ddmin finds exactly the items that a failure needs", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 60 }).chain((count) =>
        fc.tuple(fc.constant(count), fc.subarray(Array.from({ length: count }, (_, n) => n)))
      ),
      async ([count, needed]) => {
        const items = Array.from({ length: count }, (_, n) => n);
        const left = await ddmin(
          items,
          (part) => Promise.resolve(needed.every((item) => part.includes(item))),
        );
        assert.deepEqual(left, needed);
      },
    ),
  );
});

Deno.test("ddmin leaves nothing that can be left out, whatever fails", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }), async (items) => {
      const fails = (part: readonly number[]) => part.reduce((sum, item) => sum + item, 0) >= 12;
      fc.pre(fails(items));
      const left = await ddmin(items, (part) => Promise.resolve(fails(part)));
      assert.ok(fails(left));
      for (const index of left.keys()) {
        assert.ok(!fails(left.filter((_, at) => at !== index)), `${left} without ${index}`);
      }
    }),
  );
});

Deno.test("ddmin stops where its budget ends, with the best so far", async () => {
  let asked = 0;
  const items = Array.from({ length: 64 }, (_, n) => n);
  const left = await ddmin(items, (part) => {
    asked += 1;
    return Promise.resolve(asked > 3 ? null : part.includes(5));
  });
  assert.ok(left.includes(5) && left.length < 64);
});

/** Fails at the third crash of b, 1 s after it at the latest. */
const thirdCrash: Scenario = scenario({
  name: "test/third-crash",
  describe: "three crashes are too many",
  durationMs: 600_000,
  nodes: ["a", "b"],
  faults: { intensity: [0.8, 0.8] },
  run: async (sim) => {
    let lives = 0;
    sim.cluster.start("a", () => {});
    sim.cluster.start("b", () => void (lives += 1));
    sim.invariant("few lives", () => lives <= 3);
    await sim.faults();
  },
});

/** The first seed that fails; its kinds of faults may not include a crash. */
async function failedRun(): Promise<SeedRun> {
  for (let seed = 1;; seed += 1) {
    const run = await runSeed(thirdCrash, seed);
    if (run.failure?.check === "few lives") return run;
  }
}

Deno.test("a failure is shrunk to the faults that it needs and a run that is long enough", async () => {
  const failed = await failedRun();
  const { plan, faults, durationMs, run } = await shrink(thirdCrash, failed);
  assert.deepEqual(plan.events.map((event) => [event.kind, "node" in event && event.node]), [
    ["crash", "b"],
    ["crash", "b"],
    ["crash", "b"],
  ]);
  assert.ok(durationMs < failed.plan.durationMs / 4, `${durationMs}`);
  const again = await runSeed(thirdCrash, failed.seed, { faults, durationMs });
  assert.equal(again.traceHash, run.traceHash);
  assert.equal(again.failure?.message, run.failure?.message);
});

Deno.test("shrinking keeps to its budget", async () => {
  const failed = await failedRun();
  const { runs, run } = await shrink(thirdCrash, failed, undefined, { runs: 5, steps: 1e9 });
  assert.equal(runs, 5);
  assert.equal(run.failure?.check, "few lives");
});
