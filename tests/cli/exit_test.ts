/** How the program ends: codes, the last line, the second Ctrl-C. */

import assert from "node:assert/strict";
import { RunFolderError } from "../../actors/run_folder.ts";
import { CliError, EXIT, Exit, exitCodeOf, failureText } from "../../cli/exit.ts";
import { secretVariable } from "../../cli/input/secrets.ts";
import { lastName } from "../../cli/input/place.ts";
import { absolutePath } from "../../cli/input/text_file.ts";
import { againText } from "../../cli/run/again.ts";
import { isForPeople, logLine } from "../../cli/run/display.ts";
import { takeInterrupts } from "../../cli/run/interrupt.ts";
import { KvError } from "../../runtime/env/errors.ts";
import { Exited, MemoryProcess } from "./memory_process.ts";

Deno.test("each error ends the program with the code that the design gives it", () => {
  assert.equal(exitCodeOf(new RunFolderError("locked", "m")), EXIT.refused);
  assert.equal(exitCodeOf(new RunFolderError("unusable", "m")), EXIT.invalid);
  assert.equal(exitCodeOf(new KvError("locked", "m")), EXIT.refused);
  assert.equal(exitCodeOf(new KvError("io", "m")), EXIT.failed);
  assert.equal(exitCodeOf(new CliError("usage", "m")), EXIT.invalid);
  assert.equal(exitCodeOf(new Exit(EXIT.unreachable)), EXIT.unreachable);
  assert.equal(exitCodeOf(new Error("m")), EXIT.failed);
});

Deno.test("an unexpected error is one line and a request, its stack only where it is asked for", () => {
  const defect = new TypeError("x is not a function");
  const text = failureText(defect, false);
  assert.equal(text.split("\n").length, 3);
  assert.match(text, /^quorus: x is not a function\nthis is a defect of quorus; QUORUS_DEBUG=1/);
  assert.match(failureText(defect, true), /at .*exit_test\.ts/);
  assert.equal(failureText(new CliError("usage", "cannot use y"), false), "quorus: cannot use y\n");
});

Deno.test("the second signal restores the terminal and ends at once with 130", async () => {
  const process = new MemoryProcess([]);
  const interrupt = takeInterrupts(process);
  let restored = 0;
  interrupt.onExit(() => restored += 1);
  process.interrupt("SIGTERM");
  assert.equal(await interrupt.requested, "SIGTERM");
  assert.equal(restored, 0);
  assert.throws(
    () => process.interrupt(),
    (thrown) => thrown instanceof Exited && thrown.code === 130,
  );
  assert.equal(restored, 1);
  interrupt.dispose();
  process.interrupt();
});

Deno.test("the command that goes on can be pasted into a shell", () => {
  assert.equal(
    againText(["run", "a b.yaml", "--var", "N=it's", "--data", "./d"]),
    "quorus run 'a b.yaml' --var 'N=it'\\''s' --data ./d",
  );
});

Deno.test("paths and names are taken as people type them", () => {
  assert.equal(absolutePath("/a/b", "../c/./d//e"), "/a/c/d/e");
  assert.equal(absolutePath("/a", "/x"), "/x");
  assert.equal(lastName("http://h:1/a/b%20c.bin?q=/x#f"), "b c.bin");
  assert.equal(lastName("dir/we?ird#name"), "we?ird#name");
  for (const bad of ["http://h", "http://h/", "a/", "..", "http://h/a%2fb", "http://h/%2e%2e"]) {
    assert.throws(() => lastName(bad), { name: "CliError", code: "usage" }, bad);
  }
  assert.equal(secretVariable("db/password-1"), "QUORUS_SECRET_DB_PASSWORD_1");
});

Deno.test("log records that a run's owner asked for are lines, those of the machine are not", () => {
  const facts = { target: "log:ops", message: "all well" };
  assert.ok(isForPeople("info", "notify"));
  assert.equal(logLine("info", "notify", facts), "notify log:ops: all well");
  assert.ok(!isForPeople("info", "segment opened"));
  assert.ok(isForPeople("warn", "drain took too long"));
  assert.equal(
    logLine("warn", "slow", { ms: 5, why: new Error("x") }),
    "warning: slow: ms 5, why x",
  );
  assert.equal(logLine("error", "node ended", {}), "error: node ended");
});
