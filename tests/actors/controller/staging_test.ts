import assert from "node:assert/strict";
import fc from "fast-check";
import { apply } from "../../../actors/controller/apply.ts";
import type { Command } from "../../../actors/controller/commands.ts";
import { INITIAL_STATE, type State } from "../../../actors/controller/state.ts";
import { ACTOR_LIMITS } from "../../../actors/limits.ts";
import { inPieces } from "../../../gateway/pieces.ts";
import { Problem } from "../../../gateway/problem.ts";
import { groupPlan } from "../plans.ts";

class Log {
  state: State = INITIAL_STATE;
  nowMs = 1;
  #index = 0;

  apply(command: Command): readonly string[] {
    const entry = { version: 3, atMs: this.nowMs, command } as const;
    const applied = apply(this.state, entry, ++this.#index);
    this.state = applied.state;
    return applied.refused;
  }

  stage(number: number, more: Partial<Command & { type: "stageRun" }> = {}): readonly string[] {
    return this.apply({
      type: "stageRun",
      runId: "big",
      tenant: "acme",
      number,
      transfers: [PLAN.transfers[number]!],
      levels: [0],
      jobs: [],
      ...more,
    });
  }

  start(...runs: Partial<(Command & { type: "createRuns" })["runs"][number]>[]) {
    const whole = { runId: "big", tenant: "acme", plan: HEAD, pieces: 2, jobs: [], retryOf: null };
    return this.apply({ type: "createRuns", runs: runs.map((run) => ({ ...whole, ...run })) });
  }
}

/** Transfers of which each third waits for the one before it. */
function planOf(count: number) {
  return groupPlan(Array.from({ length: count }, (_, index) => ({
    name: `t${index}`,
    ...(index % 3 === 2 ? { dependsOn: [`t${index - 1}`] } : {}),
    source: { uri: `https://files.example/${"x".repeat(index % 7)}` },
    destination: { path: `/out/${index}` },
  })));
}

const PLAN = planOf(2);
const HEAD = { ...PLAN, transfers: [], levels: [] };
const LIMITS = { submissionBytes: 2 ** 26, pieceBytes: 2_000, headBytes: 2 ** 20 };

Deno.test("a plan in pieces of any size becomes the same run as the whole plan", () => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 25 }),
    fc.integer({ min: 1, max: 9_000 }),
    (count, pieceBytes) => {
      const plan = planOf(count);
      const { pieces, runs } = inPieces([{ runId: "big", plan }], { ...LIMITS, pieceBytes });
      const log = new Log();
      for (const piece of pieces) {
        const { transfers, levels, ...rest } = piece;
        const lists = { transfers: [...transfers], levels: [...levels], jobs: [] };
        assert.deepEqual(log.apply({ ...rest, ...lists, type: "stageRun" }), []);
      }
      assert.equal(log.state.runs.size, 0);
      assert.deepEqual(log.start(...runs.map((run) => ({ ...run, tenant: plan.tenant }))), []);
      assert.deepEqual(log.state.runs.get("big")?.plan, plan);
      assert.equal(log.state.staged.size, 0);
    },
  ));
});

Deno.test("runs start all or none", () => {
  const log = new Log();
  log.start({ runId: "old", pieces: 0, plan: PLAN });
  const { runs } = log.state;
  assert.match(
    log.start({ runId: "new", pieces: 0 }, { runId: "old", pieces: 0 })[0]!,
    /old exists/,
  );
  log.stage(0);
  assert.match(log.start({ runId: "new", pieces: 0 }, {})[0]!, /part 1 of 2/);
  assert.equal(log.state.runs, runs);
  log.stage(1);
  assert.deepEqual(log.start({ runId: "new", pieces: 0 }, {}), []);
  assert.deepEqual(log.state.runs.get("big")?.plan, PLAN);
});

Deno.test("a part that comes twice counts once, and another tenant's is none", () => {
  const log = new Log();
  log.stage(0);
  log.stage(0);
  log.stage(1);
  assert.match(log.stage(1, { tenant: "other" })[0]!, /another tenant/);
  assert.match(log.start({ tenant: "other" })[0]!, /part 0 of 2/);
  assert.deepEqual(log.start({}), []);
  assert.match(log.stage(0)[0]!, /exists/);
});

Deno.test("parts that nobody starts are dropped by their age, and are bounded", () => {
  const log = new Log();
  log.stage(0);
  log.nowMs = 100;
  log.stage(1);
  log.apply({ type: "dropStaged", beforeMs: 100 });
  assert.deepEqual([...log.state.staged.values()].map(({ number }) => number), [1]);
  const most = ACTOR_LIMITS.stagedParts.value;
  for (let number = 2; number <= most; number += 1) {
    log.stage(number, { transfers: [], levels: [] });
  }
  assert.equal(log.state.staged.size, most);
  assert.match(log.stage(most + 1, { transfers: [] })[0]!, new RegExp(`${most} parts`));
});

Deno.test("a run that tries another one again begins with what succeeded there", () => {
  const log = new Log();
  log.start({ runId: "old", pieces: 0, plan: PLAN });
  const submission = { jobId: "old-1", transfer: 0 };
  log.apply({ type: "submitJobs", runId: "old", jobs: [submission], skipped: [] });
  const kept = { ...log.state.jobs.get("old-1")!, id: "again-1", runId: "again" };
  const again = { runId: "again", pieces: 0, plan: PLAN, retryOf: "old" };
  assert.match(log.start({ ...again, jobs: [kept] })[0]!, /again-1 is queued/);
  assert.deepEqual(log.start({ ...again, jobs: [{ ...kept, state: "succeeded" }] }), []);
  const run = log.state.runs.get("again");
  assert.deepEqual([run?.retryOf, run?.jobs.get("t0")], ["old", "again-1"]);
  assert.equal(log.state.jobs.get("again-1")?.version, log.state.index);
});

Deno.test("what is too large is refused by the name of its limit and its size", () => {
  const runs = [{ runId: "big", plan: planOf(20) }];
  const refused = (limits: Partial<typeof LIMITS>, message: RegExp) =>
    assert.throws(() => inPieces(runs, { ...LIMITS, ...limits }), (thrown) => {
      assert.ok(thrown instanceof Problem && thrown.code === "planTooLarge");
      assert.match(thrown.message, message);
      return true;
    });
  refused({ submissionBytes: 5_000 }, /at most 5000 bytes are taken \(submissionBytes\)/);
  refused({ headBytes: 100 }, /the transfer "t0" takes \d+ bytes, at most 100 .*\(headBytes\)/);
});
