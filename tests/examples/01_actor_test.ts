import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";

Deno.test("the first example counts words, restarts after a failure and stops", async () => {
  const { code, stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("../../examples/01_actor.ts", import.meta.url))],
    stderr: "null",
  }).output();
  assert.equal(code, 0);
  assert.deepEqual(new TextDecoder().decode(stdout).trim().split("\n"), [
    "tell: accepted",
    "total: 8 words in haiku, proverb",
    "after the restart: 0 words",
    "restarts: 1",
    "tell after stop: dead",
  ]);
});
