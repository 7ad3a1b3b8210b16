/** Reads by index and by clock. */

import assert from "node:assert/strict";
import type { Message } from "../../../../runtime/raft/core/messages.ts";
import { Group, voters } from "./group.ts";

function others(leader: string): [string, string] {
  return ["a", "b", "c"].filter((id) => id !== leader) as [string, string];
}

Deno.test("reads are answered by leader and followers with the commit index", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.propose(leader, "x");
  for (const id of ["a", "b", "c"]) {
    assert.equal(group.answerTo(group.read(id)), group.raft(leader).commit);
  }
});

Deno.test("a deposed leader answers no read", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  group.cut(leader);
  const before = group.read(leader);
  group.pass(1_000, others(leader));
  group.propose(group.leader() as string, "x");
  assert.equal(group.answerTo(before), undefined);
  group.heal();
  group.pass(100);
  assert.equal(group.answerTo(before), null);
});

Deno.test("a read before the term's first commit waits for it", () => {
  const group = new Group(voters("a", "b", "c"));
  group.passes = (message) => message.type !== "appendReply";
  const leader = group.elect();
  const read = group.read(leader);
  group.pass(60);
  assert.equal(group.answerTo(read), undefined);
  group.heal();
  group.pass(60);
  assert.equal(group.answerTo(read), group.raft(leader).commit);
  assert.equal(group.raft(leader).commit, 1);
});

Deno.test("answers to rounds before the read confirm nothing", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const late: Message[] = [];
  group.passes = (message) => {
    if (message.type !== "heartbeatReply") return true;
    late.push(message);
    return false;
  };
  group.pass(60);
  group.passes = ({ from, to }) => from !== leader && to !== leader;
  const read = group.read(leader);
  for (const message of late) group.tell(leader, { type: "message", message });
  assert.equal(group.answerTo(read), undefined);
});

Deno.test("a read without a leader is answered with null", () => {
  const group = new Group(voters("a", "b", "c"));
  assert.equal(group.answerTo(group.read("a")), null);
});

Deno.test("a read that was passed on and lost is answered with null", () => {
  const group = new Group(voters("a", "b", "c"));
  const leader = group.elect();
  const [follower] = others(leader);
  group.passes = (message) => message.type !== "readIndex";
  const read = group.read(follower);
  group.pass(400);
  assert.equal(group.answerTo(read), null);
});

Deno.test("reads by clock are off unless they are allowed", () => {
  const group = new Group(voters("a", "b", "c"));
  assert.equal(group.answerTo(group.read(group.elect(), true)), null);
});

Deno.test("a read by clock needs no messages while the lease holds, and stops when it ends", () => {
  const group = new Group(voters("a", "b", "c"), { clockReads: true });
  const leader = group.elect();
  group.pass(60);
  group.cut(leader);
  assert.equal(group.answerTo(group.read(leader, true)), group.raft(leader).commit);
  group.nowMs += 140;
  assert.equal(group.answerTo(group.read(leader, true)), undefined);
});

Deno.test("reads by clock stop while a member's clock runs unevenly", () => {
  const group = new Group(voters("a", "b", "c"), { clockReads: true });
  const leader = group.elect();
  group.pass(60);
  group.seat(others(leader)[0]).wallOffsetMs = 1_000;
  group.pass(60);
  group.cut(leader);
  assert.equal(group.answerTo(group.read(leader, true)), undefined);
});

Deno.test("a transfer ends reads by clock for the rest of the term", () => {
  const group = new Group(voters("a", "b", "c"), { clockReads: true });
  const leader = group.elect();
  const [to] = others(leader);
  group.passes = (message) => message.type !== "timeoutNow";
  group.transfer(leader, to);
  group.pass(600);
  assert.equal(group.leader(), leader);
  group.cut(leader);
  assert.equal(group.answerTo(group.read(leader, true)), undefined);
});

Deno.test("a member that has just started elects nobody for an election timeout", () => {
  const group = new Group(voters("a", "b", "c"));
  const { lastIndex, lastTerm } = group.raft("b").log;
  const head = { from: "a", to: "b", term: 1, lastIndex, lastTerm } as const;
  group.tell("b", { type: "message", message: { ...head, type: "preVote" } });
  group.tell("b", { type: "message", message: { ...head, type: "vote", transfer: false } });
  assert.equal(group.raft("b").vote, null);
  const granted = group.sent.some((message) =>
    (message.type === "preVoteReply" || message.type === "voteReply") && message.granted
  );
  assert.equal(granted, false);
});
