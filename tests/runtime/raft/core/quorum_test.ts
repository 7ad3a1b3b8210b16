/** Majorities against counting, and witnesses. */

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Configuration } from "../../../../runtime/raft/core/configuration.ts";
import {
  commitIndex,
  couldCommit,
  quorumValue,
  replicatedIndex,
  voteOutcome,
  votersOf,
} from "../../../../runtime/raft/core/quorum.ts";
import { member, voters } from "./group.ts";

const IDS = ["a", "b", "c", "d", "e", "f", "g"];
const someIds = fc.uniqueArray(fc.constantFrom(...IDS), { minLength: 1 });
const values = fc.record(
  Object.fromEntries(IDS.map((id) => [id, fc.nat(9)])) as Record<string, fc.Arbitrary<number>>,
);

function reachedByCounting(ids: readonly string[], of: Record<string, number>): number {
  const isReached = (value: number) =>
    ids.filter((id) => (of[id] as number) >= value).length * 2 > ids.length;
  return [9, 8, 7, 6, 5, 4, 3, 2, 1, 0].find(isReached) as number;
}

Deno.test("a quorum's value is what more than half of both sets have reached", () => {
  fc.assert(fc.property(someIds, fc.option(someIds), values, (incoming, outgoing, of) => {
    const configuration: Configuration = {
      ...voters(...incoming),
      outgoing: outgoing === null ? null : voters(...outgoing).members,
    };
    const expected = Math.min(
      reachedByCounting(incoming, of),
      outgoing === null ? Infinity : reachedByCounting(outgoing, of),
    );
    const decided = votersOf(configuration);
    assert.equal(quorumValue(decided, (id) => of[id] as number), expected);
    // Without witnesses a quorum is enough, but for a pair there are always two replicas.
    assert.equal(commitIndex(decided, (id) => of[id] as number), expected);
  }));
});

Deno.test("an index is committed on two full replicas, where there are two", () => {
  const two = votersOf({
    members: [member("a"), member("b"), member("w", { witness: true })],
    outgoing: null,
  });
  const match = (a: number, b: number, w: number) => (id: string) => ({ a, b, w })[id] as number;
  assert.equal(quorumValue(two, match(9, 3, 9)), 9);
  assert.equal(commitIndex(two, match(9, 3, 9)), 3);
  assert.equal(commitIndex(two, match(9, 8, 1)), 8);
  assert.equal(replicatedIndex(two, match(9, 3, 0)), 3);
  const one = votersOf({ members: [member("a"), member("w", { witness: true })], outgoing: null });
  assert.equal(commitIndex(one, match(9, 0, 7)), 7);
});

Deno.test("witnesses alone, or nobody, commit nothing", () => {
  const only = votersOf({ members: [member("w", { witness: true })], outgoing: null });
  assert.equal(couldCommit(only, () => true), false);
  assert.equal(couldCommit(votersOf({ members: [], outgoing: null }), () => true), false);
});

Deno.test("learners have no voice", () => {
  const members = [member("a"), member("b"), member("c"), member("l", { role: "learner" })];
  const decided = votersOf({ members, outgoing: null });
  assert.equal(voteOutcome(decided, new Map([["a", true], ["l", true], ["z", true]])), "pending");
});

Deno.test("an election is won by both majorities and lost by one that cannot be reached", () => {
  const joint = votersOf({ ...voters("a", "b", "c"), outgoing: voters("c", "d", "e").members });
  assert.equal(voteOutcome(joint, new Map([["a", true], ["b", true], ["c", true]])), "pending");
  const won = new Map([["a", true], ["b", true], ["d", true], ["e", true]]);
  assert.equal(voteOutcome(joint, won), "won");
  assert.equal(voteOutcome(joint, new Map([["d", false], ["e", false]])), "lost");
  assert.equal(voteOutcome(joint, new Map([["d", false]])), "pending");
});
