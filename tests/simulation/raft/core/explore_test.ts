/** A few hundred seeds of the core's exploration, and that it finds what is broken. */

import assert from "node:assert/strict";
import type { CoreFactory } from "../../../runtime/raft/cluster/core_factory.ts";
import { realCore } from "../../../runtime/raft/cluster/real_core.ts";
import { forgetsVotes, trustsItsCache } from "./canaries.ts";
import { runCoreSeed } from "./explore.ts";
import { exploreCore, failureText } from "./report.ts";

const SEEDS = 150;
const SEEDS_FOR_CANARIES = 50;

Deno.test(`the core keeps every promise under chaos, and serves after it (${SEEDS} seeds)`, () => {
  const report = exploreCore(realCore, { from: 1, seeds: SEEDS, failuresWanted: 1 });
  assert.equal(report.failures.map(failureText).join("\n"), "");
  assert.ok(report.sometimes.counts.get("election won")! > SEEDS / 2);
});

Deno.test("a seed gives the same run again", () => {
  const run = () => {
    const { steps, virtualMs, sometimes } = runCoreSeed(7, realCore);
    return { steps, virtualMs, counts: [...sometimes.counts] };
  };
  assert.deepEqual(run(), run());
});

function invariantsBrokenBy(factory: CoreFactory): string[] {
  const { failures } = exploreCore(factory, {
    from: 1,
    seeds: SEEDS_FOR_CANARIES,
    failuresWanted: 1,
  });
  return failures.map(({ invariant }) => invariant);
}

Deno.test("a core that forgets its votes is found out", () => {
  assert.deepEqual(invariantsBrokenBy(forgetsVotes(realCore)), ["durable before said"]);
});

Deno.test("a core that takes writes for durable before they are is found out", () => {
  assert.deepEqual(invariantsBrokenBy(trustsItsCache(realCore)), ["durable before said"]);
});
