/** Commands: their levels of durability, their bounds and their stamps. */

import assert from "node:assert/strict";
import type { Entry } from "../../../../runtime/raft/core/entry.ts";
import { Group, member, voters } from "./group.ts";

function outcomes(group: Group, id: number): string[] {
  return group.answersTo(id).map((answer) =>
    answer.outcome === "refused"
      ? answer.code
      : answer.outcome === "durable"
      ? `durable ${answer.level}`
      : answer.outcome
  );
}

Deno.test("`all` waits for every full voter", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const slow = ["a", "b", "c"].find((id) => id !== leader) as string;
  group.seat(slow).slowDisk = true;
  const id = group.propose(leader, "x", "all");
  assert.deepEqual(outcomes(group, id), ["appended"]);
  assert.deepEqual(group.commands(leader), ["x"]);
  group.sync(slow);
  assert.deepEqual(outcomes(group, id), ["appended", "durable all"]);
});

Deno.test("`all` is content with a quorum after a while, and says so", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(["a", "b", "c"].find((id) => id !== leader) as string);
  const id = group.propose(leader, "x", "all");
  group.pass(450);
  assert.deepEqual(outcomes(group, id), ["appended", "durable quorum"]);
});

Deno.test("`leader` is answered by the leader's own disk", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  group.seat(leader).slowDisk = true;
  const id = group.propose(leader, "x", "leader");
  assert.deepEqual(outcomes(group, id), ["appended"]);
  group.sync(leader);
  assert.deepEqual(outcomes(group, id), ["appended", "durable leader"]);
  assert.deepEqual(group.commands(leader), []);
});

Deno.test("what is not committed is bounded", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  const all = Array.from({ length: 70 }, (_, at) => group.propose(leader, `${at}`));
  assert.deepEqual(outcomes(group, all[0] as number), ["appended"]);
  assert.deepEqual(outcomes(group, all.at(-1) as number), ["Overloaded"]);
  assert.deepEqual(outcomes(group, group.propose(leader, "x".repeat(2_000))), ["TooLarge"]);
  group.heal();
  group.pass(100);
  assert.equal(group.commands(leader).length, 64);
  assert.deepEqual(outcomes(group, group.propose(leader, "again")), ["appended"]);
});

Deno.test("a leader whose own disk is slow takes no more than it may hold", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.seat(leader).slowDisk = true;
  const all = Array.from({ length: 70 }, (_, at) => group.propose(leader, `${at}`));
  assert.equal(group.commands(leader).length, 64);
  assert.deepEqual(outcomes(group, all.at(-1) as number), ["Overloaded"]);
  group.sync(leader);
  assert.deepEqual(outcomes(group, group.propose(leader, "again")), ["appended"]);
});

Deno.test("only a leader takes commands, and others name it", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const follower = ["a", "b", "c"].find((id) => id !== leader) as string;
  const [answer] = group.answersTo(group.propose(follower, "x"));
  assert.equal(answer?.outcome === "refused" && answer.leader, leader);
});

Deno.test("stamps never fall, although the clock does", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.propose(leader, "x");
  group.seat(leader).wallOffsetMs = -3_000;
  group.propose(leader, "y");
  const stamps = group.seat(leader).applied.map((entry) => entry.stampMs);
  assert.deepEqual(stamps, stamps.toSorted((a, b) => a - b));
});

Deno.test("a leader whose clock is far from the voters' median takes no commands", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.propose(leader, "x");
  const before = group.raft(leader).log.lastStampMs;
  group.seat(leader).wallOffsetMs = 20_000;
  assert.deepEqual(outcomes(group, group.propose(leader, "y")), ["ClockSkew"], "at once");
  group.pass(60);
  const next = group.leader() as string;
  assert.notEqual(next, leader, "and lets another lead");
  group.propose(next, "z");
  assert.equal(group.raft(next).log.lastStampMs < before + 1_000, true);
});

Deno.test("a new leader stamps nothing before a quorum has told the time", () => {
  const group = new Group(voters("a", "b", "c"));
  const first = group.elect();
  group.propose(first, "x");
  const before = group.raft(first).log.lastStampMs;
  for (const id of ["a", "b", "c"]) if (id !== first) group.seat(id).wallOffsetMs = 60_000;
  group.cut(first);
  group.alter = (message) =>
    message.type === "heartbeatReply" ? { ...message, session: 99 } : message;
  while (group.leader() === first || group.leader() === null) group.pass(10);
  const next = group.leader() as string;
  group.propose(next, "y");
  assert.deepEqual(group.commands(next), ["x", "y"]);
  assert.equal(group.raft(next).log.lastStampMs, before);
});

function withoutNoops(entries: readonly Entry[]): readonly Entry[] {
  return entries.filter((entry) => entry.kind !== "noop");
}

Deno.test("an entry of an earlier term is not committed by counting", () => {
  const priorities = { a: 5, b: 9, c: 1, d: 1, e: 1 };
  const members = Object.entries(priorities).map(([id, priority]) => member(id, { priority }));
  const group = new Group({ members, outgoing: null }, { appendBytes: 1 });
  assert.equal(group.elect(), "b");
  // The entry reaches one other member, which leads next.
  group.cut("a", "b");
  group.propose("b", "old");
  // Nobody gets the first entry of its term.
  group.alter = (message) =>
    message.type === "append" ? { ...message, entries: withoutNoops(message.entries) } : message;
  group.passes = ({ from, to }) => from !== "b" && to !== "b";
  group.pass(1_000);
  assert.equal(group.leader(), "a");
  for (const id of ["a", "c", "d", "e"]) {
    assert.equal(group.raft(id).log.termAt(2), 1, "a quorum holds the entry");
    assert.equal(group.raft(id).commit, 1, "and it is not committed");
  }
  group.alter = (message) => message;
  group.pass(300);
  assert.deepEqual(group.commands("c"), ["old"]);
});

Deno.test("a vote is not answered before it is durable", () => {
  const group = new Group({ members: [member("a"), member("b")], outgoing: null });
  group.seat("b").slowDisk = true;
  group.pass(170);
  assert.equal(group.raft("a").role, "candidate");
  group.sync("b");
  assert.equal(group.leader(), "a");
});

Deno.test("an append is not answered before it is durable", () => {
  const group = new Group(voters("a", "b"));
  const leader = group.elect();
  const follower = leader === "a" ? "b" : "a";
  group.seat(follower).slowDisk = true;
  group.propose(leader, "x");
  assert.deepEqual(group.commands(leader), []);
  group.sync(follower);
  assert.deepEqual(group.commands(leader), ["x"]);
});
