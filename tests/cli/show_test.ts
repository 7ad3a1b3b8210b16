/** Displays as pure functions: state in, lines out. */

import assert from "node:assert/strict";
import fc from "fast-check";
import { blockLines } from "../../cli/show/block.ts";
import { Board } from "../../cli/show/board.ts";
import { frame } from "../../cli/show/frame.ts";
import { changeLine, headingLine, resumedLine } from "../../cli/show/plain.ts";
import { reportLines, reportOf } from "../../cli/show/report.ts";
import { clean, fit, pad, paint, widthOf } from "../../cli/show/text.ts";
import { assertGolden } from "./golden.ts";
import { job, NOW_MS, progress, receipt } from "./jobs.ts";

const PLAIN = paint(false);
const MIB = 2 ** 20;

/** Transfers in every state that a run knows. */
function mixedBoard(): Board {
  const board = new Board(["users", "orders", "数据-export", "late", "broken", "not-now", "done"]);
  const at = (...args: Parameters<typeof job>) => board.change(job(...args), NOW_MS);
  at("done", "succeeded", { receipt: receipt("done", 3 * MIB) });
  at("users", "assigned");
  board.observe("users", progress(12 * MIB, 100 * MIB));
  at("orders", "assigned", { attempts: 2 });
  board.observe("orders", progress(MIB, null, { keptBytes: MIB / 2 }));
  at("数据-export", "retrying", { retryAtMs: NOW_MS + 4_200 });
  const error = { code: "notFound", message: "no such file", retryable: false, definite: true };
  at("broken", "failed", { error });
  board.skip("not-now", "its condition is false", false);
  return board;
}

Deno.test("the live block shows each transfer in declared order where all fit", () => {
  const lines = blockLines(mixedBoard(), { columns: 100, rows: 24 }, NOW_MS, PLAIN);
  assertGolden("block_100x24", `${lines.join("\n")}\n`);
});

Deno.test("the live block of a low terminal shows running ones first and counts the rest", () => {
  const lines = blockLines(mixedBoard(), { columns: 70, rows: 8 }, NOW_MS, PLAIN);
  assertGolden("block_70x8", `${lines.join("\n")}\n`);
});

Deno.test("the live block leaves columns out rather than wrap on a narrow terminal", () => {
  const lines = blockLines(mixedBoard(), { columns: 50, rows: 24 }, NOW_MS, PLAIN);
  assertGolden("block_50x24", `${lines.join("\n")}\n`);
});

Deno.test("the live block is never higher or wider than the terminal", () => {
  const names = fc.uniqueArray(fc.string({ unit: "grapheme", minLength: 1, maxLength: 60 }), {
    maxLength: 40,
  });
  const sizes = fc.record({
    columns: fc.integer({ min: 20, max: 200 }),
    rows: fc.integer({ min: 4, max: 40 }),
  });
  fc.assert(fc.property(names, sizes, fc.integer({ min: 0, max: 40 }), (all, size, running) => {
    const board = new Board(all);
    for (const name of all.slice(0, running)) {
      board.change(job(name, "assigned"), NOW_MS);
      board.observe(name, progress(123_456_789, 1_234_567_890));
    }
    const lines = blockLines(board, size, NOW_MS, PLAIN);
    assert.ok(lines.length <= size.rows - 1, `${lines.length} lines in ${size.rows} rows`);
    for (const line of lines) assert.ok(widthOf(line) < size.columns, line);
  }));
});

Deno.test("a hundred thousand transfers are counted, and the block stays small", () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `t${index}`);
  const board = new Board(names);
  for (const name of names.slice(0, 5_000)) {
    board.change(job(name, "succeeded", { receipt: receipt(name, 10) }), NOW_MS);
  }
  const lines = blockLines(board, { columns: 80, rows: 10 }, NOW_MS, PLAIN);
  assert.equal(lines.length, 8);
  assert.match(lines.at(-2)!, /… and 99994 more/);
  assert.match(lines.at(-1)!, /5000\/100000 done {2}48\.8 KiB/);
});

Deno.test("an observation of an attempt that has ended changes nothing", () => {
  const board = new Board(["a"]);
  board.change(job("a", "succeeded", { receipt: receipt("a", 5) }), NOW_MS);
  assert.equal(board.observe("a", progress(1, 2)), null);
  assert.equal(board.totals().doneBytes, 5);
});

Deno.test("a frame goes up over its block, overwrites it, and clears what is left", () => {
  const text = frame(3, ["said above"], ["one", "two"]);
  assert.equal(
    text,
    "\x1b[?2026h\x1b[3A\rsaid above\x1b[K\none\x1b[K\ntwo\x1b[K\n\x1b[J\x1b[?2026l",
  );
  assert.ok(!frame(0, [], ["one"]).includes("A\r"));
});

Deno.test("plain lines tell what people care about, once", () => {
  const board = new Board(["users", "orders"]);
  const said: string[] = [headingLine({
    runId: "r-1",
    name: "backup",
    transfers: 2,
    resumed: false,
    succeeded: 0,
  })];
  const change = (...args: Parameters<typeof job>) => {
    const { before, after } = board.change(job(...args), NOW_MS);
    const line = changeLine(before, after, NOW_MS, PLAIN);
    if (line !== null) said.push(line);
  };
  const see = (name: string, ...args: Parameters<typeof progress>) => {
    const before = board.row(name);
    const after = board.observe(name, progress(...args));
    const line = after === null ? null : resumedLine(before, after);
    if (line !== null) said.push(line);
  };
  change("users", "queued", { attempts: 0 });
  change("users", "assigned");
  change("users", "assigned", { why: "said twice" });
  see("users", 0, 9 * MIB, { keptBytes: 2 * MIB, fetchedBytes: 0 });
  see("users", 3 * MIB, 9 * MIB, { keptBytes: 2 * MIB, fetchedBytes: MIB });
  see("users", 4 * MIB, 9 * MIB, { keptBytes: 2 * MIB, fetchedBytes: 2 * MIB });
  change("users", "retrying", { why: "attempt 1 failed: cut", retryAtMs: NOW_MS + 1_500 });
  change("users", "assigned", { attempts: 2 });
  see("users", 6 * MIB, 9 * MIB);
  change("users", "paused", { attempts: 2 });
  change("users", "assigned", { attempts: 3 });
  change("users", "publishing", { attempts: 3 });
  change("users", "succeeded", {
    attempts: 3,
    receipt: receipt("users", 9 * MIB, { keptBytes: 6 * MIB, fetchedBytes: 3 * MIB }),
  });
  const error = { code: "x", message: "no\nsuch \x1b[31mfile", retryable: false, definite: true };
  change("orders", "failed", { attempts: 3, error });
  said.push(headingLine({ runId: "r-1", name: "b", transfers: 1, resumed: true, succeeded: 0 }));
  assertGolden("plain", `${said.join("\n")}\n`);
});

Deno.test("the report lists transfers, reasons once, and one line for the run", () => {
  const board = mixedBoard();
  const facts = {
    runId: "r",
    name: "backup",
    state: "failed",
    why: "no such file",
    resumed: false,
    durationMs: 4_321,
  } as const;
  const report = reportOf(facts, board);
  assertGolden("report", `${reportLines(report, PLAIN).join("\n")}\n`);
  assert.equal(report.transfers.find(({ name }) => name === "done")?.uri, "file:///out/done");
});

Deno.test("a report of very many transfers leaves out successes first", () => {
  const names = Array.from({ length: 500 }, (_, index) => `t${index}`);
  const board = new Board(names);
  for (const name of names.slice(0, 499)) {
    board.change(job(name, "succeeded", { receipt: receipt(name, 1) }), NOW_MS);
  }
  const error = { code: "x", message: "broken", retryable: false, definite: true };
  board.change(job("t499", "failed", { error }), NOW_MS);
  const facts = { runId: "r", name: "n", state: "failed", why: "", resumed: false, durationMs: 1 };
  const lines = reportLines(reportOf({ ...facts, state: "failed" }, board), PLAIN);
  assert.match(lines[1]!, /^t499 +failed/);
  assert.ok(lines.includes("… and 400 more; -o json lists all"));
  assert.ok(lines.includes("t499: broken"));
});

Deno.test("text is cut and padded by the cells it takes", () => {
  assert.equal(widthOf("数据"), 4);
  assert.equal(widthOf("e\u0301"), 1);
  assert.equal(fit("数据据", 5), "数据…");
  assert.equal(pad("数", 4), "数  ");
  assert.equal(pad("7", 3, "right"), "  7");
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.integer({ min: 0, max: 20 }), (text, n) => {
      assert.ok(widthOf(fit(text, n)) <= n);
      assert.equal(widthOf(pad(text, n)), n);
    }),
  );
});

Deno.test("what comes from elsewhere cannot move the cursor or turn the text around", () => {
  assert.equal(clean("a\x1b[2Jb\r\u202ec\nd"), "a\ufffd[2Jb\ufffd\ufffdc d");
});
