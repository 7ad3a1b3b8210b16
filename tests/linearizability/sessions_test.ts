import assert from "node:assert/strict";
import type { HistoryLine } from "./history.ts";
import { judgeAppends } from "./sessions.ts";

function append(value: string, callMs: number, returnMs: number, outcome: HistoryLine["outcome"]) {
  const result = outcome === "ok" ? {} : null;
  const line: HistoryLine = {
    client: "a",
    id: value,
    op: "append",
    key: "list",
    value,
    callMs,
    returnMs,
    result,
    outcome,
  };
  return line;
}

function read(value: readonly string[], callMs: number): HistoryLine {
  return {
    client: "r",
    id: callMs,
    op: "get",
    key: "list",
    callMs,
    returnMs: callMs + 1,
    result: { value: value.length === 0 ? null : [...value] },
    outcome: "ok",
  };
}

const asked = [
  append("1", 0, 1, "ok"),
  append("2", 2, 5, "ok"),
  append("3", 2, 5, "ok"),
  append("4", 6, 7, "unknown"),
  append("5", 6, 7, "failed"),
  append("6", 8, 9, "ok"),
];

const right: (readonly string[])[] = [
  ["1", "2", "3", "6"],
  ["1", "3", "2", "4", "6"],
  ["1", "3", "2", "6", "4"],
];
for (const list of right) {
  Deno.test(`each acknowledged once and in order: ${list.join(" ")} is right`, () => {
    assert.deepEqual(judgeAppends([...asked, read(list, 10)]).violations, []);
  });
}

const wrong: [readonly string[], RegExp][] = [
  [["1", "2", "6"], /"3" of a \(3\) was acknowledged and is missing/],
  [["1", "2", "3", "6", "6"], /"6" .* stands there 2 times/],
  [["1", "2", "3", "4", "6", "4"], /"4" .* stands there 2 times/],
  [["1", "2", "3", "6", "5"], /"5" .* had failed for certain/],
  [["1", "2", "3", "6", "7"], /"7" stands there, and nobody appended it/],
  [["2", "1", "3", "6"], /"1" .* was acknowledged before "2" was asked, and is after it/],
  [["1", "2", "4", "3", "6"], /"3" .* was acknowledged before "4" was asked, and is after it/],
];
for (const [list, message] of wrong) {
  Deno.test(`exactly once, in order: ${list.join(" ")} is refused`, () => {
    const { verdict, violations } = judgeAppends([...asked, read(list, 10)]);
    assert.equal(verdict, "illegal");
    assert.match(violations.join("\n"), message);
  });
}

Deno.test("a read under way must show a beginning of the end, with all that was acknowledged", () => {
  const last = read(["1", "2", "3", "6"], 10);
  const of = (early: HistoryLine) => judgeAppends([...asked, early, last]).violations.join("\n");
  assert.equal(of(read(["1"], 3)), "");
  assert.match(of(read(["1", "3"], 3)), /saw "3" at 1, the last read "2"/);
  assert.match(of(read([], 3)), /"1" .* before the read 3 of r was asked, which did not see it/);
  assert.match(of(read(["1", "2", "3", "6"], 6)), /"6" .* was asked after the read 6 of r/);
});

Deno.test("a list that nobody read at the end is unknown, not right", () => {
  assert.equal(judgeAppends(asked).verdict, "unknown");
  assert.equal(judgeAppends([...asked, read(["1", "2", "3"], 8)]).verdict, "unknown");
});
