/** What a group does while only one of its voters hears all others. */

import assert from "node:assert/strict";
import { planOf, voter } from "../../../simulation/raft/core/plan.ts";
import { SeededRandom } from "../../../../runtime/sim/random.ts";
import { Cluster } from "./cluster.ts";
import { CALM } from "./pace.ts";
import { realCore } from "./real_core.ts";

const PRIORITY_MS = 500;

/** Four voters of which `a` hears everybody, `b` only `a`, and `c` and `d` hear each other. */
function bridged(priorityOfB: number): Cluster {
  const members = [voter("a"), voter("b", priorityOfB), voter("c"), voter("d")];
  const { raft } = planOf(new SeededRandom(1), 3);
  const cluster = new Cluster({
    seed: 1,
    factory: realCore,
    raft: { ...raft, priorityMs: PRIORITY_MS, transferMs: 1_000 },
    configuration: { members, outgoing: null },
    pace: CALM,
  });
  cluster.links.cutBridge(["a", "b", "c", "d"]);
  cluster.begin();
  return cluster;
}

function termsPassed(cluster: Cluster, forMs: number): number {
  const before = cluster.invariants.elections.highestTerm;
  cluster.run(cluster.nowMs + forMs);
  return cluster.invariants.elections.highestTerm - before;
}

Deno.test("a bridge between two halves lets one leader stay", () => {
  const cluster = bridged(1);
  cluster.run(5_000);
  assert.equal(termsPassed(cluster, 60_000), 0);
});

Deno.test("a member of higher priority that cannot win is handed the lead less and less often", () => {
  const cluster = bridged(3);
  cluster.run(10_000);
  assert.ok(termsPassed(cluster, 60_000) <= 8, "it was once every priorityMs");
  assert.ok(cluster.invariants.sometimes.counts.get("priority handed the lead over")! > 0);
});
