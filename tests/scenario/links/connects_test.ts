/** Links that come and go leave nothing behind; `connects.ts` does the same 10,000 times. */

import assert from "node:assert/strict";
import { connectOften, leakOf } from "./connects.ts";

Deno.test({
  name: "connecting and leaving 300 times keeps no descriptor, resource or memory",
  // Counters of coverage are memory that grows.
  ignore: Deno.env.has("DENO_COVERAGE_DIR"),
  fn: async () => {
    const held = await connectOften(300);
    assert.equal(held.length, 20);
    assert.equal(leakOf(held), null, JSON.stringify(held, null, 1));
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
