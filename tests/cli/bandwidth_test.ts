import assert from "node:assert/strict";
import { patterned } from "../conformance/case.ts";
import { group, inFolder, writeFiles } from "./folder.ts";
import { quorus } from "./memory_process.ts";

Deno.test("a transfer moves no faster than it declares, and a rate that is none is refused", async () => {
  await inFolder(async (cwd) => {
    const transfer = (bandwidth: string) =>
      group("g", [
        `{name: t, source: {path: a}, destination: {path: b}, transfer: {bandwidth: ${bandwidth}}}`,
      ]);
    writeFiles(cwd, {
      a: patterned(1_500_000),
      "slow.yaml": transfer("1MB/s"),
      "wrong.yaml": transfer("1MB"),
      "tiny.yaml": transfer("10B/s"),
    });
    const beganMs = performance.now();
    const { code, err } = await quorus(["run", "slow.yaml"], { cwd });
    assert.equal(code, 0, err);
    // Never quicker; how much slower is up to the machine.
    assert.ok(performance.now() - beganMs > 1_200);
    assert.match((await quorus(["validate", "wrong.yaml"], { cwd })).err, /a rate such as 20MB\/s/);
    assert.match((await quorus(["validate", "tiny.yaml"], { cwd })).err, /at least 1KiB\/s/);
  });
});
