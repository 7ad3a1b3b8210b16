import assert from "node:assert/strict";
import fc from "fast-check";
import { hasOrder } from "./brute_force.ts";
import { check } from "./check.ts";
import type { HistoryOp, HistoryOperation, HistoryResult } from "./history.ts";
import { kvModel } from "./kv_model.ts";
import { counterModel, lockModel } from "./lock_model.ts";
import { type Plan, record, seeded } from "./recorded_store.ts";

const client = fc.constantFrom("a", "b", "c");
const kvOp: fc.Arbitrary<HistoryOp> = fc.record({
  client,
  op: fc.constantFrom("get", "get", "put", "put", "delete", "cas", "list"),
  key: fc.constantFrom("k", "ka"),
  value: fc.constantFrom("1", "2"),
  expect: fc.oneof(
    fc.nat({ max: 3 }).map((version) => ({ version })),
    fc.constantFrom("1", "2", null).map((value) => ({ value })),
  ),
});
const plan: fc.Arbitrary<Plan> = fc.record({
  op: kvOp,
  callAt: fc.nat({ max: 12 }),
  untilPoint: fc.nat({ max: 4 }),
  untilReturn: fc.nat({ max: 4 }),
  isAnswered: fc.boolean().chain((first) => fc.boolean().map((second) => first || second)),
  isLost: fc.boolean(),
}).map(({ callAt, untilPoint, untilReturn, ...rest }) => ({
  ...rest,
  callAt,
  pointAt: callAt + untilPoint + 0.5,
  returnAt: callAt + untilPoint + untilReturn + 0.75,
}));
const plans = fc.array(plan, { minLength: 1, maxLength: 8 });

/** Another answer for one operation: a version or value that was not there, or was forgotten. */
const lie = fc.record({
  at: fc.nat(),
  version: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
  value: fc.constantFrom("1", "2", null),
  isApplied: fc.boolean(),
});
type Lie = typeof lie extends fc.Arbitrary<infer T> ? T : never;

function withoutVersions(operation: HistoryOperation): HistoryOperation {
  if (operation.result === undefined) return operation;
  const { version: _, entries, ...result } = operation.result;
  if (entries === undefined) return { ...operation, result };
  const bare = entries.map(({ key, value }) => ({ key, value }));
  return { ...operation, result: { ...result, entries: bare } };
}

function told(
  operations: readonly HistoryOperation[],
  lies: readonly Lie[],
  hasVersions: boolean,
): readonly HistoryOperation[] {
  const changed = [...operations];
  for (const { at, version, value, isApplied } of lies) {
    const index = at % changed.length;
    const operation = changed[index] as HistoryOperation;
    if (operation.result === undefined) continue;
    const { version: _, ...others } = operation.result;
    const result: HistoryResult = version === undefined ? others : { ...others, version };
    if (operation.op.op === "get" && version === undefined) result.value = value;
    if (operation.op.op === "cas" && version === undefined) result.applied = isApplied;
    changed[index] = { ...operation, result };
  }
  return hasVersions ? changed : changed.map(withoutVersions);
}

Deno.test("whatever a store with one copy answers is linearizable", () => {
  fc.assert(
    fc.property(plans, fc.boolean(), (all, hasVersions) => {
      const operations = told(record(all), [], hasVersions);
      assert.equal(check(kvModel, operations).verdict, "ok");
    }),
    { numRuns: 3_000 },
  );
});

Deno.test("so it is where many outcomes are unknown and nothing tells writes apart", () => {
  const unsure = fc.array(plan.map((each) => ({ ...each, op: { ...each.op, key: "k" } })), {
    minLength: 10,
    maxLength: 25,
  });
  fc.assert(
    fc.property(unsure, (all) => {
      const operations = told(record(all), [], false);
      assert.equal(check(kvModel, operations, 20_000_000).verdict, "ok");
    }),
    { numRuns: 1_000 },
  );
});

Deno.test("the checker agrees with a search through every order of thousands of histories", () => {
  const seen = { ok: 0, illegal: 0 };
  fc.assert(
    fc.property(plans, fc.array(lie, { maxLength: 4 }), fc.boolean(), (all, lies, hasVersions) => {
      const operations = told(record(all), lies, hasVersions);
      const { verdict } = check(kvModel, operations);
      assert.equal(verdict, hasOrder(kvModel, operations) ? "ok" : "illegal");
      seen[verdict] += 1;
    }),
    { numRuns: 10_000 },
  );
  assert(seen.ok > 500 && seen.illegal > 500, `both kinds are met: ${JSON.stringify(seen)}`);
});

Deno.test("locks and counters are judged by the same search", () => {
  const random = fc.record({
    client,
    callAt: fc.nat({ max: 10 }),
    tookMs: fc.nat({ max: 5 }),
    op: fc.constantFrom<"acquire" | "release">("acquire", "release"),
    applied: fc.boolean(),
    value: fc.integer({ min: 1, max: 3 }),
    isUnsure: fc.nat({ max: 4 }).map((n) => n === 0),
  });
  fc.assert(
    fc.property(fc.array(random, { maxLength: 6 }), fc.boolean(), (all, isLock) => {
      const operations = all.map((each, id): HistoryOperation => ({
        client: each.client,
        id: String(id),
        op: { client: each.client, op: isLock ? each.op : "add", key: "x", value: 1 },
        callAt: each.callAt,
        returnAt: each.isUnsure ? Infinity : each.callAt + each.tookMs,
        result: each.isUnsure
          ? undefined
          : isLock
          ? { applied: each.applied }
          : { value: each.value },
      }));
      const legal = isLock ? hasOrder(lockModel, operations) : hasOrder(counterModel, operations);
      const judged = isLock ? check(lockModel, operations) : check(counterModel, operations);
      assert.equal(judged.verdict, legal ? "ok" : "illegal");
    }),
    { numRuns: 3_000 },
  );
});

/** `client op[ value] from-to[ answer]`, as in a table: an answer of `?` was never given. */
function history(...rows: [string, Partial<HistoryOp>, number, number, HistoryResult | "?"][]) {
  return rows.map(([client, op, callAt, returnAt, result], id): HistoryOperation => ({
    client,
    id: String(id),
    op: { op: "get", key: "x", ...op, client },
    callAt,
    returnAt: result === "?" ? Infinity : returnAt,
    result: result === "?" ? undefined : result,
  }));
}

const put = (value: string): Partial<HistoryOp> => ({ op: "put", value });
const casFrom = (version: number, value: string): Partial<HistoryOp> => ({
  op: "cas",
  value,
  expect: { version },
});
const get: Partial<HistoryOp> = {};

const planted: Record<string, readonly HistoryOperation[]> = {
  "a stale read after an acknowledged write": history(
    ["a", put("1"), 0, 1, {}],
    ["a", put("2"), 2, 3, {}],
    ["b", get, 4, 5, { value: "1" }],
  ),
  "a lost update": history(
    ["a", put("1"), 0, 1, { version: 1 }],
    ["b", get, 2, 3, { value: null, version: 0 }],
  ),
  "two compare-and-sets of one version that both won": history(
    ["a", put("1"), 0, 1, { version: 7 }],
    ["a", casFrom(7, "2"), 2, 5, { applied: true, version: 8 }],
    ["b", casFrom(7, "3"), 2, 5, { applied: true, version: 9 }],
  ),
  "two compare-and-sets of one value that both won": history(
    ["a", { op: "cas", value: "1", expect: { value: null } }, 0, 5, { applied: true }],
    ["b", { op: "cas", value: "2", expect: { value: null } }, 0, 5, { applied: true }],
  ),
  "a read from the future": history(
    ["a", get, 0, 1, { value: "1" }],
    ["b", put("1"), 2, 3, {}],
  ),
  "reads of two clients that go back": history(
    ["a", put("1"), 0, 1, {}],
    ["a", put("2"), 2, 9, {}],
    ["b", get, 3, 4, { value: "2" }],
    ["c", get, 5, 6, { value: "1" }],
  ),
  "an unknown write that was seen, then unseen": history(
    ["a", put("1"), 0, 1, {}],
    ["b", put("2"), 2, 3, "?"],
    ["c", get, 4, 5, { value: "2" }],
    ["c", get, 6, 7, { value: "1" }],
  ),
  "an unknown write seen before its call": history(
    ["c", get, 0, 1, { value: "2" }],
    ["b", put("2"), 2, 3, "?"],
  ),
  "a version that went back": history(
    ["a", put("1"), 0, 1, { version: 5 }],
    ["a", put("1"), 2, 3, { version: 4 }],
  ),
  "a deleted value that is read": history(
    ["a", put("1"), 0, 1, {}],
    ["a", { op: "delete" }, 2, 3, { applied: true }],
    ["b", get, 4, 5, { value: "1" }],
  ),
  "a list that saw the later of two writes only": history(
    ["a", { ...put("1"), key: "x/1" }, 0, 1, {}],
    ["a", { ...put("1"), key: "x/2" }, 2, 3, {}],
    ["b", { op: "list", key: "x/" }, 2, 5, { entries: [{ key: "x/2", value: "1" }] }],
  ),
  "an append that was done twice": history(
    ["a", { op: "append", value: "1" }, 0, 1, {}],
    ["b", get, 2, 3, { value: ["1", "1"] }],
  ),
};

for (const [name, operations] of Object.entries(planted)) {
  Deno.test(`the checker refuses ${name}`, () => {
    const judged = check(kvModel, operations);
    assert.equal(judged.verdict, "illegal");
    assert(judged.counterexample?.around.includes(judged.counterexample.stuck));
  });
}

const good: Record<string, readonly HistoryOperation[]> = {
  "a read beside a write sees either": history(
    ["a", put("1"), 0, 1, {}],
    ["a", put("2"), 2, 9, {}],
    ["b", get, 3, 4, { value: "1" }],
    ["b", get, 5, 6, { value: "2" }],
  ),
  "an unknown write is seen late": history(
    ["b", put("2"), 0, 1, "?"],
    ["a", put("1"), 2, 3, { version: 1 }],
    ["c", get, 4, 5, { value: "1", version: 1 }],
    ["c", get, 6, 7, { value: "2", version: 2 }],
  ),
  "an unknown write is never seen": history(
    ["b", put("2"), 0, 1, "?"],
    ["c", get, 4, 5, { value: null }],
  ),
  "an unknown write makes a compare-and-set lose": history(
    ["b", put("1"), 0, 1, "?"],
    ["c", casFrom(0, "2"), 4, 5, { applied: false, version: 3 }],
  ),
  "an unknown write is left for later where another order needs none": history(
    ["a", put("3"), 0, 3, {}],
    ["b", put("2"), 1, 4, {}],
    ["c", { op: "cas", value: "2", expect: { value: "3" } }, 2, 6, { applied: true }],
    ["d", put("3"), 5, 9, "?"],
    ["e", get, 7, 8, { value: "3" }],
  ),
  "an operation returns when another is called": history(
    ["a", put("1"), 0, 2, {}],
    ["b", get, 2, 3, { value: null }],
  ),
};

for (const [name, operations] of Object.entries(good)) {
  Deno.test(`the checker accepts that ${name}`, () => {
    assert.equal(check(kvModel, operations).verdict, "ok");
  });
}

/** `clients` that each do one operation after the other; some never hear of theirs and go on. */
function busy(clients: number, each: number, keys: number, unsureShare: number): readonly Plan[] {
  const random = seeded(7);
  const made: Plan[] = [];
  for (let client = 0; client < clients; client += 1) {
    let atMs = random();
    for (let count = 0; count < each; count += 1) {
      const callAt = atMs;
      const pointAt = callAt + random() * 5;
      atMs = pointAt + random() * 5;
      const kind = random();
      const op: HistoryOp = {
        client: `c${client}`,
        op: kind < 0.5 ? "get" : kind < 0.9 ? "put" : "cas",
        key: `k${Math.floor(random() * keys)}`,
        ...kind < 0.5 ? {} : { value: `${client}:${count}` },
        ...kind < 0.9 ? {} : { expect: { version: 0 } },
      };
      const isAnswered = random() >= unsureShare;
      made.push({ op, callAt, pointAt, returnAt: atMs, isAnswered, isLost: random() < 0.5 });
    }
  }
  return made;
}

Deno.test("a history of 10 clients with 2,000 operations each over 20 keys is judged in seconds", () => {
  for (const unsureShare of [0, 0.02]) {
    const operations = record(busy(10, 2_000, 20, unsureShare));
    const startedMs = performance.now();
    assert.equal(check(kvModel, operations).verdict, "ok");
    assert(performance.now() - startedMs < 10_000);
  }
});

Deno.test("one stale read in a large history is found and shown with what surrounds it", () => {
  const operations = [...record(busy(10, 500, 5, 0.01))];
  const index = operations.findIndex(({ op, result, callAt }) =>
    op.op === "get" && result !== undefined && callAt > 1_500 && op.key === "k3"
  );
  const read = operations[index] as HistoryOperation;
  const early = operations.find(({ op, returnAt }) =>
    op.op === "put" && op.key === "k3" && returnAt < 500
  ) as HistoryOperation;
  operations[index] = { ...read, result: { value: early.op.value ?? null } };
  const { verdict, counterexample } = check(kvModel, operations);
  assert.equal(verdict, "illegal");
  assert.equal(counterexample?.stuck.id, read.id);
  assert.deepEqual(counterexample.keys, ["k3"]);
  assert(counterexample.around.includes(early));
  assert(counterexample.around.length < 20);
  assert(counterexample.text.split("\n").length < 30, counterexample.text);
});

Deno.test("out of budget the answer is unknown, never ok", () => {
  const operations = record(busy(10, 50, 1, 0.1));
  for (const budget of [0, 1, 10, 100]) {
    const { verdict, unfinished } = check(kvModel, operations, budget);
    assert.equal(verdict, "unknown");
    assert.deepEqual(unfinished, ["k0"]);
  }
  assert.equal(check(kvModel, operations).verdict, "ok");
});

Deno.test("what is illegal in one part is illegal, whatever runs out of budget elsewhere", () => {
  const long = record(busy(10, 50, 1, 0.1));
  const bad = planted["a lost update"] as readonly HistoryOperation[];
  assert.equal(check(kvModel, [...long, ...bad], 100).verdict, "illegal");
});
