import assert from "node:assert/strict";
import { sharesOf } from "./spread_plan.ts";

Deno.test("seeds are divided over all scenarios, none is left out, and their sum is what was asked", () => {
  const names = ["store/journal", "remote/quarantine", "a/new-one"];
  for (const seeds of [3, 10, 999, 10_000]) {
    const shares = sharesOf(seeds, names);
    assert.deepEqual(shares.map(({ scenario }) => scenario), names);
    assert.equal(shares.reduce((sum, share) => sum + share.seeds, 0), seeds);
    assert.ok(shares.every((share) => share.seeds >= 1));
  }
  const [journal, quarantine] = sharesOf(1_000, names);
  assert.ok(journal!.seeds > quarantine!.seeds);
});
