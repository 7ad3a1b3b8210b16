/** The order of a run: examples of each rule, and Frontier against the naive function. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { Frontier } from "../../workflows/frontier.ts";
import { levelsOf } from "../../workflows/graph.ts";
import type { Strategy } from "../../workflows/plan.ts";
import type { StepState } from "../../workflows/plan.ts";
import {
  concurrencyOf,
  isSettled,
  type OrderPlan,
  ready,
  skipText,
} from "../../workflows/strategy.ts";

function order(
  strategy: Strategy,
  dependencies: Record<string, readonly string[]>,
  more: Partial<OrderPlan> & { refersTo?: Record<string, readonly string[]> } = {},
): OrderPlan {
  const { refersTo = {}, ...rest } = more;
  const transfers = Object.entries(dependencies).map(([name, dependsOn]) => ({
    name,
    dependsOn,
    condition: refersTo[name] === undefined ? null : { refersTo: refersTo[name] },
  }));
  return {
    strategy,
    maxConcurrency: 10,
    continueOnError: false,
    transfers,
    levels: levelsOf(transfers),
    ...rest,
  };
}

const states = (now: Record<string, StepState>) => new Map(Object.entries(now));

Deno.test("sequential starts one at a time in declared order, dependencies first", () => {
  const plan = order("sequential", { late: ["base"], base: [], other: [] });
  assert.deepEqual(ready(plan, states({})).start, ["base"]);
  assert.deepEqual(ready(plan, states({ base: "running" })).start, []);
  assert.deepEqual(ready(plan, states({ base: "succeeded" })).start, ["late"]);
  assert.deepEqual(ready(plan, states({ base: "succeeded", late: "succeeded" })).start, ["other"]);
});

Deno.test("parallel starts everything that is ready, up to maxConcurrency", () => {
  const plan = order("parallel", { a: [], b: [], c: [], d: ["a"] }, { maxConcurrency: 2 });
  assert.deepEqual(ready(plan, states({})).start, ["a", "b"]);
  assert.deepEqual(ready(plan, states({ a: "succeeded", b: "running" })).start, ["c"]);
});

Deno.test("mixed finishes a level before it starts the next one", () => {
  const dependencies = { a: [], b: [], c: ["a"] };
  const now = states({ a: "succeeded", b: "running" });
  assert.deepEqual(ready(order("mixed", dependencies), now).start, []);
  assert.deepEqual(ready(order("parallel", dependencies), now).start, ["c"]);
});

Deno.test("a failure stops the run unless continueOnError is set, and says why", () => {
  const dependencies = { a: [], b: [], c: ["a"] };
  const now = states({ a: "failed" });
  const stopped = ready(order("parallel", dependencies), now);
  assert.deepEqual(stopped.start, []);
  assert.deepEqual(stopped.skip.map(({ name, why }) => [name, skipText(why)]), [
    ["b", "a failed and continueOnError is false"],
    ["c", "a failed and continueOnError is false"],
  ]);
  assert.equal(stopped.ended, "failed");
  const going = ready(order("parallel", dependencies, { continueOnError: true }), now);
  assert.deepEqual(going.start, ["b"]);
  assert.deepEqual(going.skip.map(({ name, why }) => [name, skipText(why)]), [
    ["c", "its dependency a failed"],
  ]);
});

Deno.test("a condition that names a failed dependency decides instead of the strategy", () => {
  const dependencies = { primary: [], fallback: ["primary"] };
  const more = { continueOnError: true, refersTo: { fallback: ["primary"] } };
  const step = ready(order("parallel", dependencies, more), states({ primary: "failed" }));
  assert.deepEqual(step.start, ["fallback"]);
});

Deno.test("what was skipped by its condition skips its dependents, and the run still succeeds", () => {
  const plan = order("parallel", { a: [], b: ["a"] });
  const step = ready(plan, states({ a: "skipped" }));
  assert.deepEqual(step.skip.map(({ name }) => name), ["b"]);
  assert.equal(step.ended, "succeeded");
});

const orders = fc.record({
  strategy: fc.constantFrom<Strategy>("sequential", "parallel", "mixed"),
  maxConcurrency: fc.integer({ min: 1, max: 4 }),
  continueOnError: fc.boolean(),
  edges: fc.array(
    fc.record({
      on: fc.array(fc.nat(30), { maxLength: 4 }),
      named: fc.boolean(),
    }),
    { minLength: 1, maxLength: 14 },
  ),
  shuffle: fc.infiniteStream(fc.nat()),
}).map(({ edges, shuffle, ...rest }) => {
  // Edges point to lower numbers; the declared order is shuffled, so that both directions occur.
  const transfers = edges.map(({ on, named }, index) => {
    const dependsOn = index === 0 ? [] : [...new Set(on.map((to) => `t${to % index}`))];
    return {
      name: `t${index}`,
      dependsOn,
      condition: named ? { refersTo: dependsOn.slice(0, 1) } : null,
    };
  });
  const keys = transfers.map(() => shuffle.next().value);
  const shuffled = transfers.map((step, index) => [keys[index]!, step] as const)
    .sort((left, right) => left[0] - right[0]).map(([, step]) => step);
  return { ...rest, transfers: shuffled, levels: levelsOf(shuffled) } satisfies OrderPlan;
});

const OUTCOMES = ["succeeded", "succeeded", "succeeded", "failed", "skipped", "cancelled"] as const;

/** Runs a plan to its end by the naive function, with a Frontier beside it; calls back after each step. */
function play(
  plan: OrderPlan,
  choices: readonly number[],
  check: (now: Map<string, StepState>) => void,
) {
  const frontier = new Frontier(plan);
  const now = new Map<string, StepState>();
  let step = ready(plan, now);
  let moved = frontier.begin();
  for (let turn = 0;; turn++) {
    assert.deepEqual(moved, step);
    for (const { name } of step.skip) now.set(name, "skipped");
    for (const name of step.start) now.set(name, "running");
    check(now);
    assert.deepEqual(new Frontier(plan, now).begin(), ready(plan, now), "taken up in the middle");
    const running = [...now].filter(([, state]) => state === "running").map(([name]) => name);
    if (running.length === 0) break;
    const choice = choices[turn % choices.length]!;
    const name = running[choice % running.length]!;
    const outcome = OUTCOMES[choice % OUTCOMES.length]!;
    now.set(name, outcome);
    step = ready(plan, now);
    moved = frontier.settle(name, outcome);
  }
  assert.notEqual(step.ended, null, "nothing runs, so everything has ended");
  return step.ended;
}

const choices = fc.array(fc.nat(), { minLength: 1, maxLength: 20 });

Deno.test("property: Frontier answers what the naive function answers, at every step", () => {
  fc.assert(fc.property(orders, choices, (plan, picks) => void play(plan, picks, () => {})), {
    numRuns: 500,
  });
});

Deno.test("property: dependencies hold, maxConcurrency is kept, and every run ends", () => {
  fc.assert(
    fc.property(orders, choices, (plan, picks) => {
      play(plan, picks, (now) => {
        const running = [...now].filter(([, state]) => state === "running");
        assert.ok(running.length <= concurrencyOf(plan));
        for (const [name] of running) {
          const step = plan.transfers.find((one) => one.name === name)!;
          for (const dependency of step.dependsOn) {
            const state = now.get(dependency) ?? "waiting";
            assert.ok(isSettled(state));
            assert.ok(state === "succeeded" || step.condition?.refersTo.includes(dependency));
          }
        }
      });
    }),
    { numRuns: 500 },
  );
});

Deno.test("Frontier settles 10,000 transfers in well under a second", () => {
  const names = Array.from({ length: 10_000 }, (_, index) => `t${index}`);
  const transfers = names.map((name, index) => ({
    name,
    dependsOn: index < 100 ? [] : [names[index - 100]!],
    condition: null,
  }));
  const plan: OrderPlan = {
    strategy: "parallel",
    maxConcurrency: 8,
    continueOnError: false,
    transfers,
    levels: levelsOf(transfers),
  };
  const started = performance.now();
  const frontier = new Frontier(plan);
  const open = [...frontier.begin().start];
  let ended: string | null = null;
  let settled = 0;
  for (let name = open.shift(); name !== undefined; name = open.shift()) {
    const step = frontier.settle(name, "succeeded");
    settled += 1;
    open.push(...step.start);
    ended = step.ended;
  }
  assert.equal(settled, 10_000);
  assert.equal(ended, "succeeded");
  assert.ok(performance.now() - started < 2_000);
});
