/** Links that come and go leave nothing behind; `connects.ts` does the same 10,000 times. */

import assert from "node:assert/strict";
import { leakOf } from "./connects.ts";

const CONNECTS = new URL("./connects.ts", import.meta.url).pathname;

Deno.test({
  name: "connecting and leaving 300 times keeps no descriptor, resource or memory",
  // Counters of coverage are memory that grows.
  ignore: Deno.env.has("DENO_COVERAGE_DIR"),
  fn: async () => {
    // A process of its own: what garbage the tests before have left is no leak.
    const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--v8-flags=--expose-gc", CONNECTS, "300"],
    }).output();
    const said = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
    assert.ok(success, said);
    assert.equal(said.match(/"connects":/g)?.length, 20, said);
  },
});

Deno.test("what grows is found", () => {
  const flat = Array.from({ length: 20 }, (_, index) => ({
    connects: index,
    descriptors: 20,
    heapMiB: 10,
    rssMiB: 100,
  }));
  assert.equal(leakOf(flat), null);
  for (const [field, step] of [["descriptors", 1], ["heapMiB", 1], ["rssMiB", 4]] as const) {
    const growing = flat.map((one, index) => ({ ...one, [field]: one[field] + step * index }));
    assert.notEqual(leakOf(growing), null, field);
  }
});
