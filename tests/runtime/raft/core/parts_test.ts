/** The small parts: lease, reads, catch-up, durability, clock, priority, transfer, configuration. */

import assert from "node:assert/strict";
import { beginCatchUp, proceed } from "../../../../runtime/raft/core/catch_up.ts";
import { medianOffsetMs, nextStamp } from "../../../../runtime/raft/core/clock.ts";
import {
  changed,
  decodeConfiguration,
  encodeConfiguration,
  everyone,
  left,
  memberOf,
} from "../../../../runtime/raft/core/configuration.ts";
import { DriftWatch } from "../../../../runtime/raft/core/drift.ts";
import { Waiters } from "../../../../runtime/raft/core/durability.ts";
import { Lease } from "../../../../runtime/raft/core/lease.ts";
import type { Answer } from "../../../../runtime/raft/core/outputs.ts";
import { campaignDelayMs, preferredLeader } from "../../../../runtime/raft/core/priority.ts";
import { PendingReads } from "../../../../runtime/raft/core/reads.ts";
import { bestSuccessor } from "../../../../runtime/raft/core/transfer.ts";
import { member, voters } from "./group.ts";

Deno.test("a lease runs from when its round was sent, shortened by drift", () => {
  const lease = new Lease();
  assert.equal(lease.holds(0, 100, 0.1), false);
  const round = lease.nextRound(1_000);
  lease.nextRound(1_050);
  lease.confirm(round);
  assert.equal(lease.holds(1_089, 100, 0.1), true);
  assert.equal(lease.holds(1_090, 100, 0.1), false);
  lease.confirm(2);
  assert.equal(lease.holds(1_139, 100, 0.1), true);
  lease.confirm(1);
  assert.equal(lease.confirmedRound, 2);
});

Deno.test("a lease that a transfer ended does not come back", () => {
  const lease = new Lease();
  lease.end();
  lease.confirm(lease.nextRound(1_000));
  assert.equal(lease.holds(1_001, 100, 0.1), false);
});

Deno.test("a clock that runs too fast or jumps is suspect until it has run evenly for long", () => {
  const bounds = { electionMs: 100, clockDrift: 0.1 };
  const watch = new DriftWatch();
  const run = (fromMs: number, toMs: number, rate: number, jumpMs = 0) => {
    for (let nowMs = fromMs; nowMs <= toMs; nowMs += 50) {
      watch.observe(nowMs, nowMs * rate + jumpMs, bounds);
    }
  };
  run(0, 10_000, 1.05);
  assert.equal(watch.isSuspect, false);
  run(10_050, 14_000, 1.3);
  assert.equal(watch.isSuspect, true);
  run(14_050, 16_000, 1);
  assert.equal(watch.isSuspect, true);
  run(16_050, 24_000, 1);
  assert.equal(watch.isSuspect, false);
  run(24_050, 24_100, 1, -500);
  assert.equal(watch.isSuspect, true);
});

Deno.test("a read is confirmed by its own round or a later one", () => {
  const reads = new PendingReads();
  reads.add({ context: "x", from: null, index: 5, round: 2 });
  reads.add({ context: "y", from: "b", index: 6, round: 3 });
  assert.deepEqual(reads.confirm(1), []);
  assert.deepEqual(reads.confirm(2).map(({ context }) => context), ["x"]);
  assert.deepEqual(reads.confirm(9).map(({ index }) => index), [6]);
  assert.equal(reads.size, 0);
});

Deno.test("postponed reads begin when the term has committed", () => {
  const reads = new PendingReads();
  reads.postpone("x", null);
  assert.deepEqual(reads.confirm(9), []);
  reads.begin(7, 10);
  assert.deepEqual(reads.confirm(10), [{ context: "x", from: null, index: 7, round: 10 }]);
  reads.postpone("y", "b");
  assert.deepEqual(reads.abandon().map(({ context }) => context), ["y"]);
});

Deno.test("a learner is ready after one round that was short enough", () => {
  const bounds = { electionMs: 100, catchUpRounds: 2 };
  const first = beginCatchUp("d", 50, 0);
  assert.equal(proceed(first, { match: 49, lastHeardMs: 90 }, 60, 90, bounds), first);
  assert.equal(proceed(first, { match: 50, lastHeardMs: 90 }, 60, 90, bounds), "ready");
  const second = proceed(first, { match: 50, lastHeardMs: 150 }, 60, 150, bounds);
  assert.deepEqual(second, { member: "d", round: 2, target: 60, startedMs: 150 });
  if (typeof second === "string") return;
  assert.equal(proceed(second, { match: 60, lastHeardMs: 300 }, 90, 300, bounds), "slow");
  assert.equal(proceed(first, { match: 0, lastHeardMs: 0 }, 60, 201, bounds), "slow");
});

Deno.test("commands are answered by level, and as unknown when leadership is lost", () => {
  const waiters = new Waiters();
  waiters.forQuorum(1, 10);
  waiters.forQuorum(2, 11);
  waiters.forAll(3, 12, 100);
  waiters.forAll(4, 13, 100);
  waiters.forLeader(5, 14);
  waiters.committed(10);
  const answers: Answer[] = [];
  waiters.settle({ nowMs: 50, commit: 13, everywhere: 12, here: 13 }, answers);
  assert.deepEqual(answers, [{ id: 3, outcome: "durable", level: "all" }]);
  waiters.settle({ nowMs: 100, commit: 13, everywhere: 12, here: 13 }, answers);
  assert.deepEqual(answers[1], { id: 4, outcome: "durable", level: "quorum" });
  const lost: Answer[] = [];
  waiters.abandon(lost);
  assert.deepEqual(lost.map(({ id, outcome }) => [id, outcome]), [[2, "unknown"], [5, "unknown"]]);
});

Deno.test("a clock is judged by the median; of two nobody knows which is wrong", () => {
  assert.equal(medianOffsetMs([0], 5_000), 0);
  assert.equal(medianOffsetMs([0, 900], 5_000), 0);
  assert.equal(medianOffsetMs([0, 9_000], 5_000), null, "nobody knows which is wrong");
  assert.equal(medianOffsetMs([0, 9_000, 9_100], 5_000), 9_000);
  assert.equal(medianOffsetMs([-50, 0, 9_000], 5_000), 0);
  assert.equal(medianOffsetMs([-9_000, -9_000, -8_000, 0], 5_000), -8_000);
  assert.equal(nextStamp(10, 5), 10);
  assert.equal(nextStamp(10, 15), 15);
});

Deno.test("a lower priority waits longer, and only those count that may lead", () => {
  const witness = member("w", { priority: 9, witness: true });
  const configuration = {
    members: [member("a"), member("b", { priority: 3 }), witness],
    outgoing: null,
  };
  const [a, b] = configuration.members as [typeof witness, typeof witness];
  assert.equal(campaignDelayMs(configuration, a, 100), 200);
  assert.equal(campaignDelayMs(configuration, b, 100), 0);
  assert.equal(preferredLeader(configuration, a, () => true), "b");
  assert.equal(preferredLeader(configuration, a, () => false), null);
  assert.equal(preferredLeader(configuration, b, () => true), null);
});

Deno.test("the best successor answers, has the highest priority, then the longest log", () => {
  const members = [member("a"), member("b"), member("c"), member("d", { priority: 2 })];
  const configuration = { members, outgoing: null };
  const candidate = (id: string, match: number, answers = true) => ({ id, match, answers });
  const all = [candidate("b", 4), candidate("c", 5), candidate("d", 1, false), candidate("z", 9)];
  assert.equal(bestSuccessor(configuration, "a", all), "c");
  assert.equal(bestSuccessor(configuration, "a", [...all, candidate("d", 1)]), "d");
  assert.equal(bestSuccessor(configuration, "a", []), null);
});

Deno.test("configurations change by one, or jointly, and survive their bytes", () => {
  const start = voters("a", "b", "c");
  const grown = changed(start, { do: "addLearner", member: { ...member("B"), witness: true } });
  assert.deepEqual(grown.members.map(({ id }) => id), ["B", "a", "b", "c"]);
  assert.equal(memberOf(grown, "B")?.role, "learner");
  const joint = changed(grown, { do: "replace", id: "a", by: "B" });
  assert.deepEqual(joint.outgoing?.map(({ id }) => id), ["a", "b", "c"]);
  assert.deepEqual(everyone(joint).map(({ id }) => id), ["B", "b", "c", "a"]);
  assert.equal(memberOf(joint, "a")?.role, "voter");
  assert.equal(memberOf(left(joint), "a"), undefined);
  assert.deepEqual(decodeConfiguration(encodeConfiguration(joint)), joint);
  assert.throws(() => changed(joint, { do: "remove", id: "b" }));
});
