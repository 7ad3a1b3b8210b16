import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { type HistoryLine, historyLine, operationsOf, parseHistory } from "./history.ts";
import { picture } from "./picture.ts";

const put: HistoryLine = {
  client: "a",
  id: 1,
  op: "put",
  key: "x",
  value: "1",
  callNs: 10,
  returnNs: 20,
  result: { version: 1 },
  outcome: "ok",
};
const get: HistoryLine = {
  client: "b",
  id: 1,
  op: "get",
  key: "x",
  callNs: 30,
  returnNs: 40,
  result: { value: null, version: 0 },
  outcome: "ok",
};
const late: HistoryLine = { ...put, id: 2, returnNs: null, result: null, outcome: "unknown" };

Deno.test("a history is read as it was written", () => {
  const lines = [put, get, late];
  assert.deepEqual(parseHistory(lines.map(historyLine).join("")), lines);
});

Deno.test("what failed is not judged, and what is unknown never returns", () => {
  const failed: HistoryLine = { ...put, id: 3, result: null, outcome: "failed" };
  const abandoned: HistoryLine = { ...late, id: 4, returnNs: 50 };
  const operations = operationsOf([put, failed, late, abandoned]);
  assert.deepEqual(operations.map(({ id, returnAt }) => [id, returnAt]), [
    ["1", 20],
    ["2", Infinity],
    ["4", Infinity],
  ]);
});

Deno.test("a line that contradicts itself is refused by its number", () => {
  const { callNs: _, ...untimed } = put;
  const refused: [object, RegExp][] = [
    [{ ...put, id: 2, outcome: "unknown" }, /line 2 .*a result, but not ok/s],
    [{ ...put, id: 2, returnNs: null }, /ok, but never returned/],
    [{ ...put, id: 2, returnNs: 5 }, /returned before its call/],
    [{ ...put, id: 2, result: null }, /ok, but without a result/],
    [{ ...put, id: 2, callMs: 1 }, /one of callMs and callNs/],
    [{ ...untimed, id: 2, callMs: 1 }, /one unit/],
    [{ ...put, id: 2, op: "cas" }, /cas, and only it, expects/],
    [{ ...put, id: 2, op: "swap" }, /line 2/],
    [{ ...put, id: 2, host: "here" }, /host/],
    [put, /was used before/],
  ];
  for (const [line, message] of refused) {
    assert.throws(() => parseHistory(`${historyLine(put)}${JSON.stringify(line)}\n`), message);
  }
  const other = { ...untimed, id: 2, returnNs: undefined, callMs: 1, returnMs: 2 };
  assert.throws(() => parseHistory(historyLine(put) + JSON.stringify(other)), /another unit/);
});

Deno.test("a picture has a line for each client, bars that overlap as the operations did", () => {
  const bar = (client: string, callAt: number, returnAt: number, label: string) => ({
    client,
    callAt,
    returnAt,
    label,
    isMarked: label.startsWith("get"),
  });
  const drawn = picture([
    bar("a", 0, 1, "put 1"),
    bar("a", 5, 9, "put 2"),
    bar("bob", 3, Infinity, "put 3 ?"),
    bar("c", 6, 7, "get -> 1"),
  ]);
  assert.deepEqual(drawn.split("\n").map((line) => line.trimEnd()), [
    "  a    |put 1| |put 2-----|",
    "  bob         |put 3 ?.....>",
    "  c             |get -> 1|    <-- no place",
  ]);
});

async function judge(args: readonly string[], lines: readonly HistoryLine[]) {
  const file = await Deno.makeTempFile({ suffix: ".ndjson" });
  try {
    await Deno.writeTextFile(file, lines.map(historyLine).join(""));
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const command = { args: ["run", "-A", main, ...args, file] };
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), command).output();
    const decoder = new TextDecoder();
    return { code, report: JSON.parse(decoder.decode(stdout)), picture: decoder.decode(stderr) };
  } finally {
    await Deno.remove(file);
  }
}

Deno.test("the command prints a line for a file and exits 0, 1 or 3", async () => {
  const [good, bad, short, appends] = await Promise.all([
    judge([], [put, late]),
    judge([], [put, get]),
    judge(["--steps", "0"], [put, get]),
    judge(["--model", "appends"], [{ ...put, op: "append" }, get]),
  ]);
  assert.deepEqual([good.code, good.report.verdict, good.report.operations], [0, "ok", 2]);
  assert.deepEqual([bad.code, bad.report.verdict, bad.report.stuck], [1, "illegal", ["b", "1"]]);
  assert.match(bad.picture, /b {2}.*\|get -> null v0\| {2}<-- no place/);
  assert.deepEqual([short.code, short.report.verdict], [3, "unknown"]);
  assert.deepEqual([appends.code, appends.report.verdict], [1, "illegal"]);
});
